import { choice, type ConfigOf, password, text } from '@quinta/platform/config';
import {
  auditSettings,
  databasePartSettings,
  databaseSettings,
  hostSettings,
  identitySettings,
} from '@quinta/platform/service';

export const mexaSettings = {
  ...hostSettings,
  ...databaseSettings,
  ...databasePartSettings({ host: 'db', port: 5432, name: 'mexa_db', user: 'mexa_user', password: 'mexa_pass' }),
  ...identitySettings,
  ...auditSettings,
  MEXA_REGISTRATION: choice(
    'Whether anybody may register as a usuario, or an admin makes all users',
    ['open', 'closed'],
    'open',
  ),
  MEXA_ADMIN_USERNAME: text('Name of the first admin, made at start where there is none', undefined),
  MEXA_ADMIN_EMAIL: text('E-mail address of that admin', undefined),
  MEXA_ADMIN_PASSWORD: password('Password of that admin', undefined),
  FLASK_APP: text('Accepted from the earlier system and of no effect', 'app.py'),
} as const;

export type MexaConfig = ConfigOf<typeof mexaSettings>;
