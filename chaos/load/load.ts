import { ApiClient } from './api-client.ts';
import { type Acknowledged, serveClients } from './desk.ts';
import { Pace } from './pace.ts';

/** Officers at work, until they are stopped. */
export interface Load {
  readonly made: Acknowledged;
  readonly counts: () => { readonly answered: number; readonly retries: number };
  /** No new client is served; resolves when those who are being served have got all their answers. */
  finish(): Promise<void>;
}

const desks = 12;

export async function startLoad(options: {
  readonly baseUrl: string;
  readonly rate: number;
  readonly admin: { readonly username: string; readonly password: string };
  readonly signal: AbortSignal;
}): Promise<Load> {
  const { baseUrl, rate, admin, signal } = options;
  const api = new ApiClient({ baseUrl, signal, pace: new Pace(rate, signal) });
  await api.signIn(admin.username, admin.password);
  const made: Acknowledged = { clients: [], loans: new Map(), payments: new Map(), faults: [] };
  let [number, isOver] = [0, false];
  const nextNumber = (): number => (number += 1);
  const working = Array.from({ length: desks }, () =>
    serveClients(api, made, { nextNumber, isOver: () => isOver || signal.aborted }),
  );
  return {
    made,
    counts: () => ({ answered: api.answered, retries: api.retries }),
    finish: async () => {
      isOver = true;
      await Promise.all(working);
    },
  };
}
