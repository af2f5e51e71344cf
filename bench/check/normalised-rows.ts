/** A row as JSON tells it. */
export type Row = Readonly<Record<string, unknown>>;

/** A voucher and its audit row, with everything that differs from one voucher to the next told by what it is. */
export interface NormalisedRows {
  readonly vale: Row;
  readonly audit: Row;
}

/** What is another for every voucher, whoever draws it. */
const ownOfVale = new Set(['id', 'user_id', 'request_id', 'amount', 'issued_by', 'created_at']);
const ownOfAudit = new Set(['id', 'request_id', 'created_at']);

/**
 * Columns of `audit_logs` that are MEXA's promise to its users. Others that only MEXA fills (for seals and proofs) are
 * its own cost, which a peer need not share.
 */
export const promisedAuditColumns = [
  'id',
  'request_id',
  'user_id',
  'action',
  'resource_type',
  'resource_id',
  'old_values',
  'new_values',
  'endpoint',
  'method',
  'ip_address',
  'user_agent',
  'created_at',
] as const;

/** Two contestants have written the same where their normalised rows are equal. */
export function normaliseRows(vale: Row, audit: Row): NormalisedRows {
  const values = isRow(audit['new_values']) ? audit['new_values'] : {};
  return {
    vale: replaced(vale, (name, value) => (ownOfVale.has(name) ? kindOf(value) : value)),
    audit: replaced(pick(audit, promisedAuditColumns), (name, value) => {
      if (ownOfAudit.has(name)) return kindOf(value);
      if (name === 'user_id') return value === vale['issued_by'] ? 'who issued the voucher' : value;
      if (name === 'resource_id') return value === vale['id'] ? 'the voucher' : value;
      if (name === 'new_values') return replaced(values, (field, held) => agrees(held, vale[field]));
      return value;
    }),
  };
}

/** Where two differ, in sentences. */
export function differencesOf(own: NormalisedRows, reference: NormalisedRows): string[] {
  return (['vale', 'audit'] as const).flatMap((table) => {
    const names = [...new Set([...Object.keys(own[table]), ...Object.keys(reference[table])])];
    return names
      .filter((name) => JSON.stringify(own[table][name]) !== JSON.stringify(reference[table][name]))
      .map((name) => `${table}.${name} is ${text(own[table][name])}, and MEXA's is ${text(reference[table][name])}`);
  });
}

/** The audit repeats the voucher's own values; an amount is a text there and a number in the row. */
function agrees(held: unknown, inVale: unknown): unknown {
  const isSame = held === inVale || (typeof held === 'string' && /^\d+\.\d\d$/.test(held) && Number(held) === inVale);
  return isSame ? `the voucher's, as ${typeof held}` : held;
}

function kindOf(value: unknown): string {
  return value === null ? 'nothing' : `some ${typeof value}`;
}

function replaced(row: Row, replace: (name: string, value: unknown) => unknown): Row {
  return Object.fromEntries(
    Object.entries(row)
      .map(([name, value]) => [name, replace(name, value)] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function pick(row: Row, names: readonly string[]): Row {
  return Object.fromEntries(names.map((name) => [name, row[name]]));
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}
