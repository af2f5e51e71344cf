import {
  call,
  type HttpAnswer,
  openServiceWorld,
  type ServiceWorld,
  type WorldOptions,
} from '@quinta/platform/testing';
import { issueMexaToken, seedMexa } from '../src/demo.ts';
import { type Mexa, mexa } from '../src/service.ts';

export const demoPassword = 'correct horse battery staple';

/** More than any test signs in; six times as many refreshes is still a limit that the limiter can count to. */
const signInsPerMinute = '1500';

/** MEXA with a user of each role (`admin.demo`, `cajero.demo`, `auditor.demo`, `lucia.demo`, `mateo.demo`). */
export interface MexaWorld extends ServiceWorld {
  readonly mexa: Mexa;
  /** Access tokens by role; `usuario` is lucia.demo. */
  readonly tokens: Readonly<Record<'admin' | 'cajero' | 'auditor' | 'usuario', string>>;
  /** A request to the API under /api/v1. */
  api(path: string, request?: Parameters<typeof call>[1]): Promise<HttpAnswer>;
}

export async function openMexaWorld(options: WorldOptions = {}): Promise<MexaWorld> {
  const environment = { LOGIN_ATTEMPTS_PER_MINUTE: signInsPerMinute, ...options.environment };
  const world = await openServiceWorld(mexa, { ...options, environment });
  const app = world.app as Mexa;
  await seedMexa(app, demoPassword);
  const tokenOf = (role: string): Promise<string> => issueMexaToken(app, { role });
  return {
    ...world,
    mexa: app,
    tokens: {
      admin: await tokenOf('admin'),
      cajero: await tokenOf('cajero'),
      auditor: await tokenOf('auditor'),
      usuario: await issueMexaToken(app, { user: 'lucia.demo' }),
    },
    api: (path, request) => call(`${world.baseUrl}/api/v1${path}`, request),
  };
}
