import { ConfigError } from '@quinta/platform/config';
import { type Db, readOn } from '@quinta/platform/database';

/** The tables of the other system: read, and written only when a member registers or changes their profile. */
export const legacyTables = ['users', 'acces_app', 'abonnement'] as const;

/** What the columns of the other system are called; both versions that are known differ in these alone. */
export interface LegacyColumns {
  readonly users: {
    readonly id: string;
    readonly lastName: string;
    readonly firstName: string;
    readonly birthDate: string;
    readonly street: string;
    readonly postcode: string;
    readonly town: string;
    readonly phone: string;
    readonly email: string;
    readonly createdAt: string;
    readonly updatedAt: string;
  };
  readonly access: { readonly email: string; readonly passwordHash: string };
}

const given: LegacyColumns = {
  users: {
    id: 'user_id',
    lastName: 'nom',
    firstName: 'prenom',
    birthDate: 'date_naissance',
    street: 'rue',
    postcode: 'npa',
    town: 'localite',
    phone: 'tel',
    email: 'email',
    createdAt: 'created_at',
    updatedAt: 'updated_at',
  },
  access: { email: 'email', passwordHash: 'password_hash' },
};

/** The later version puts the table's name before most columns. */
const prefixed: LegacyColumns = {
  users: {
    id: 'user_id',
    lastName: 'user_nom',
    firstName: 'user_prenom',
    birthDate: 'user_date_naissance',
    street: 'user_rue',
    postcode: 'user_npa',
    town: 'user_localite',
    phone: 'user_telephone',
    email: 'user_email',
    createdAt: 'created_at',
    updatedAt: 'updated_at',
  },
  access: { email: 'user_email', passwordHash: 'acces_password' },
};

const versions = { given, prefixed } as const;

/** Columns of `abonnement` that are read; both versions have them. */
const subscriptionColumns = ['abo_id', 'user_id', 'abo_state', 'abo_name', 'abo_date_start', 'abo_date_stop'] as const;

const findColumns = readOn<{ readonly table_name: string; readonly column_name: string }, Record<string, never>>(
  'legacy.columns',
  (on) => `
    select lower(table_name) as table_name, lower(column_name) as column_name
      from information_schema.columns
     where table_schema = ${on.currentSchema} and lower(table_name) in ('users', 'acces_app', 'abonnement')`,
);

/**
 * The columns as configured, or those of the version that the tables are of.
 * @throws ConfigError that names the columns that are missing
 */
export async function legacyColumns(db: Db, wanted: 'detect' | keyof typeof versions): Promise<LegacyColumns> {
  const rows = await findColumns(db, {});
  const found = new Set(rows.map((row) => `${row.table_name}.${row.column_name}`));
  const candidates = wanted === 'detect' ? [given, prefixed] : [versions[wanted]];
  const lacking = candidates.map((columns) => missingFrom(found, columns));
  const fitting = candidates[lacking.findIndex((names) => names.length === 0)];
  if (fitting) return fitting;
  const [nearest = []] = lacking.toSorted((one, other) => one.length - other.length);
  throw new ConfigError([
    `LEGACY_COLUMNS holds "${wanted}", but the tables ${legacyTables.join(', ')} lack ${nearest.join(', ')}`,
  ]);
}

function missingFrom(found: ReadonlySet<string>, { users, access }: LegacyColumns): readonly string[] {
  const needed = [
    ...Object.values(users).map((column) => `users.${column}`),
    ...Object.values(access).map((column) => `acces_app.${column}`),
    ...subscriptionColumns.map((column) => `abonnement.${column}`),
  ];
  return needed.filter((name) => !found.has(name));
}
