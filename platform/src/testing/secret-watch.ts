import type { Database } from '../database/index.ts';
import { readOn } from '../database/index.ts';

/** Names of what a client sends and nobody may keep. */
const secretField = /^(?:.*password|refresh_token|access_token)$/i;
const lengthMin = 8;

/** What every secret of the house looks like, whoever made it. */
const shapes: readonly RegExp[] = [
  /\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}/,
  /\bqr_[\w-]{43}\b/,
  /\$argon2id?\$/,
  /\bscrypt:\d+:\d+:\d+\$/,
  /\bpbkdf2:sha\d+:/,
  /\$2[aby]\$\d\d\$/,
];

const known = new Set<string>();

/** Notes the secrets of a request or an answer, to be looked for wherever something is kept. */
export function rememberSecrets(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [field, content] of Object.entries(value)) {
    if (typeof content !== 'string') rememberSecrets(content);
    else if (secretField.test(field) && content.length >= lengthMin) known.add(content);
  }
}

/** A secret of this process's tests that stands in the text, or something of a secret's shape; its first characters. */
export function secretIn(text: string): string | undefined {
  const shape = shapes.map((pattern) => pattern.exec(text)?.[0]).find((found) => found !== undefined);
  const found = shape ?? [...known].find((secret) => text.includes(secret));
  return found?.slice(0, 12);
}

type Nothing = Readonly<Record<string, never>>;

const auditRows = readOn<Readonly<Record<string, unknown>>, Nothing>(
  'test.audit_rows',
  () => 'select * from audit_logs',
);
const keptAnswers = readOn<{ readonly body: string }, Nothing>(
  'test.kept_answers',
  () => 'select body from idempotency_keys',
);
const hasKeptAnswers = readOn<{ readonly tables: number | string }, Nothing>(
  'test.has_kept_answers',
  (on) => `
    select count(*) as tables from information_schema.tables
     where table_schema = ${on.currentSchema} and table_name = 'idempotency_keys'`,
);

/** Throws where a log line, an audit row or a kept answer holds a secret. */
export async function refuseKeptSecrets(owner: Database, logLines: readonly string[]): Promise<void> {
  const audited = await auditRows(owner, {});
  const [kept] = await hasKeptAnswers(owner, {});
  const answers = Number(kept?.tables ?? 0) > 0 ? await keptAnswers(owner, {}) : [];
  const places = [
    ...audited.map((row) => ({ place: `audit_logs ${String(row['id'])}`, text: JSON.stringify(row) })),
    ...answers.map(({ body }) => ({ place: 'idempotency_keys', text: body })),
    ...logLines.map((text) => ({ place: 'log', text })),
  ];
  for (const { place, text } of places) {
    const secret = secretIn(text);
    if (secret !== undefined)
      throw new Error(`${place} holds a secret that begins with ${secret}: ${text.slice(0, 500)}`);
  }
}
