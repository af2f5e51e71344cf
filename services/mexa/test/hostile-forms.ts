import { randomUUID } from 'node:crypto';

const int32Max = 2_147_483_647;

const hostileTexts = [
  ['', ' ', '\u0000', 'a\u0000b', '\ud800', 'x\udc00y', '\ufeff', '\u202e', '\u{1f600}', '\r\n', '\t', '\u007f'],
  ["'", '"', '\\', `'; DROP TABLE vales; --`, '$1', '%s', '{}', '{"a":1}', '{NULL}', '(,)', 'NULL', 'null', '\\N'],
  ['x'.repeat(50), 'x'.repeat(256), 'ñ'.repeat(300), 'x'.repeat(70_000), '0'.repeat(400)],
  ['0', '-1', '1e999', 'NaN', 'Infinity', '0x10', '2147483648', '9223372036854775808', '99999999.995', '1.', '.1'],
  ['0000-01-01', '9999-12-31T23:59:60Z', '275760-09-13', '00000000-0000-0000-0000-000000000000', `{${randomUUID()}}`],
].flat();
const hostileNumbers = [0, -0, -1, 0.001, 1e-7, int32Max, int32Max + 1, 2 ** 53, 1e21, 1e308, 99_999_999.99, 1e8];
/** What no field of any request is meant to hold, or hardly. */
export const hostileValues: readonly unknown[] = [
  ...hostileTexts,
  ...hostileNumbers,
  null,
  true,
  [],
  {},
  [null],
  { toString: 1 },
];

/** A route that writes: how it is asked when all is well, and in which fields a client may put anything. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly token?: string;
  readonly body?: Readonly<Record<string, unknown>>;
}

/** A hash for each hostile password of a new user would cost more than all the rest; changing one tries them. */
const costly = new Set(['password']);

export interface HostileForm extends Omit<Asked, 'path'> {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Every field with every hostile value, the path's and the headers' too. */
export function hostileForms(baseUrl: string, { path: to, ...asked }: Asked): readonly HostileForm[] {
  const base = `${baseUrl}/api/v1`;
  const fields = Object.keys(asked.body ?? {}).filter((field) => !costly.has(field));
  const bodies = fields.flatMap((field) =>
    hostileValues.map((value) => ({ ...asked, url: `${base}${to}`, body: { ...asked.body, [field]: value } })),
  );
  const texts = hostileTexts.filter((text, place) => text.length < 1_000 && place % 4 === 0);
  const targets = texts.flatMap((text) => {
    const encoded = encodeURIComponent(text.toWellFormed());
    return [
      { ...asked, url: `${base}${to.replace(/\d+/, encoded)}` },
      { ...asked, url: `${base}${to}?reason=${encoded}` },
    ];
  });
  const headers = texts.map((text) => {
    const value = text.replaceAll(/[^\t\u0020-\u007e\u0080-\u00ff]/g, '\u00ff');
    const all = { 'idempotency-key': value, 'x-request-id': value, 'user-agent': value, 'x-forwarded-for': value };
    return { ...asked, url: `${base}${to}`, headers: all };
  });
  return [...bodies, ...targets, ...headers];
}

/** Not by `call`, which would take what stands in a password's place for a secret, and find it everywhere. */
export async function sendAll(
  forms: readonly HostileForm[],
  atOnce: number,
): Promise<readonly { readonly status: number }[]> {
  const answers: { readonly status: number }[] = [];
  const queue = forms.values();
  const client = async (): Promise<void> => {
    for (const { url, method, token, body, headers } of queue) {
      const answer = await fetch(url, {
        method,
        headers: {
          ...(body ? { 'content-type': 'application/json' } : {}),
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...headers,
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      await answer.arrayBuffer();
      answers.push({ status: answer.status });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  return answers;
}
