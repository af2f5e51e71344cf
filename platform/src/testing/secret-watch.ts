import type { Database } from '../database/index.ts';
import { readStatement } from '../database/index.ts';

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

const keptTexts = readStatement<[], { place: string; text: string }>(
  'test.kept_texts',
  `select 'audit_logs ' || id as place, row_to_json(a)::text as text from audit_logs a
   union all
   select 'idempotency_keys', body from idempotency_keys`,
);

/** Throws where a log line, an audit row or a kept answer holds a secret. */
export async function refuseKeptSecrets(owner: Database, logLines: readonly string[]): Promise<void> {
  const { rows } = await owner.run(keptTexts, []);
  const kept = [...rows, ...logLines.map((text) => ({ place: 'log', text }))];
  for (const { place, text } of kept) {
    const secret = secretIn(text);
    if (secret !== undefined)
      throw new Error(`${place} holds a secret that begins with ${secret}: ${text.slice(0, 500)}`);
  }
}
