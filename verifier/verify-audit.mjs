import crypto from 'node:crypto';
import fs from 'node:fs';
import { parseArgs } from 'node:util';

/**
 * Verifies offline what an audit of Quinta gives away: a bundle of its rows, or a proof of a row or of two checkpoints.
 * Shares no code with Quinta, on purpose; README.md has the formats. Hashes are strings of 32 bytes (latin1).
 * @typedef {Record<string, unknown>} Json
 * @typedef {ReturnType<typeof readKey>} Key
 * @typedef {ReturnType<typeof readNote>} Checkpoint
 * @typedef {ReturnType<typeof trustIn>} Trust
 */

const usage = `Usage: node verify-audit.mjs [options] <file>
Verifies a bundle of the audit, or an answer of GET /audit-logs/{id}/proof or GET /audit-logs/consistency.
  <file>               "-" is standard input
  --key <key>          a verifier key that you kept (name+hash+base64); may be repeated
  --checkpoint <file>  checkpoints that you kept, with an empty line between them; may be repeated
  --json, --help       the verdict as JSON; this text
Exit code: 0 sound, 1 not sound (one line says why), 2 wrong usage or a file that cannot be read`;
/** A row that waits for its checkpoint takes some 100 bytes, 32 ids that are remembered as bits some 40. */
const [lineBytesMax, waitingMax, idPagesMax, messageMax, pathMax, keysMax] = [2 ** 24, 2 ** 24, 2 ** 23, 500, 64, 100];
const parts = { origin: ['ip_address', 'salt', 'user_agent'], values: ['details', 'new_values', 'old_values', 'salt'] };
const plain = 'action created_at endpoint id method request_id resource_id resource_type user_id'.split(' ');
const entryMembers = [...plain.slice(0, 5), 'origin', ...plain.slice(5), 'v', 'values'];
const rowFields = [...plain, ...parts.origin, ...parts.values].filter((field) => field !== 'salt');
const instantPattern = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:\+00)?$/;
const notePattern =
  /^((.+)\n(0|[1-9]\d{0,14})\n(.{44})\ntime ([\d:.TZ-]+)\nnumber ([1-9]\d{0,14})\nkey (\S+)\n)\n((?:— \S+ [\w+/]+=*\n){1,16})$/;
const [utf8, nodeInput] = [new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }), Buffer.alloc(65, 1)];
/** Not sound; the id is of the first bad row. @type {(kind: string, text: string, id?: unknown) => never} */
const bad = (kind, text, id) => {
  const message = text.slice(0, messageMax).replaceAll('\n', ' ');
  throw Object.assign(new Error(message), { fault: { kind, auditId: isWhole(id) ? id : null, message } });
};
/** It cannot be told. @type {(message: string) => never} */
const refuse = (message) => bad('', message);
/** @type {(input: string | Buffer, encoding?: crypto.BinaryToTextEncoding) => string} */
const sha256 = (input, encoding = 'binary') =>
  crypto.hash ? crypto.hash('sha256', input, encoding) : crypto.createHash('sha256').update(input).digest(encoding);
/** @type {(left: string, right: string) => string} */
const nodeHash = (left, right) => (nodeInput.write(left + right, 1, 'latin1') > 0 ? sha256(nodeInput) : '');
/** @type {(members: readonly string[], json: Json, more: Json) => string} */
const canonical = (members, json, more) => {
  const picked = /** @type {Json} */ ({});
  for (const name of members) picked[name] = more[name] ?? json[name];
  return JSON.stringify(picked);
};
const base64 = (/** @type {string} */ bytes) => Buffer.from(bytes, 'latin1').toString('base64');
const isWhole = (/** @type {unknown} */ value) => Number.isSafeInteger(value) && Number(value) >= 0;
const jsonOf = (/** @type {unknown} */ value) => (/** @type {Json} */ (Object(value) === value ? value : {}));
const parse = (/** @type {Buffer} */ bytes) => {
  try {
    return jsonOf(JSON.parse(utf8.decode(bytes)));
  } catch {
    return {};
  }
};
const readHash = (/** @type {unknown} */ text) => {
  const hash = Buffer.from(String(text), 'base64').toString('latin1');
  return hash.length === 32 && base64(hash) === text ? hash : bad('proof', `This is no hash: ${String(text)}`);
};
const powerBelow = (/** @type {number} */ size) => 2 ** ((size - 1).toString(2).length - 1);
/** RFC 6962, 2.1.1, from the end of the path. @type {(leaf: string, index: number, size: number, path: string[]) => string} */
const inclusionRoot = (leaf, index, size, path) => {
  if (size <= 1) return leaf;
  const [left, sibling] = [powerBelow(size), path.pop() ?? ''];
  if (index < left) return nodeHash(inclusionRoot(leaf, index, left, path), sibling);
  return nodeHash(sibling, inclusionRoot(leaf, index - left, size - left, path));
};
/** RFC 6962, 2.1.2: the older and the newer. @type {(known: string, from: number, to: number, path: string[]) => string[]} */
const consistencyRoots = (known, from, to, path) => {
  if (from === to) return ['', ''].fill(known || (path.pop() ?? ''));
  const [left, sibling] = [powerBelow(to), path.pop() ?? ''];
  if (from > left) return consistencyRoots('', from - left, to - left, path).map((root) => nodeHash(sibling, root));
  const [older = '', newer = ''] = consistencyRoots(known, from, left, path);
  return [older, nodeHash(newer, sibling)];
};
const readKept = (/** @type {string} */ file) => {
  const notes = fs.readFileSync(file, 'utf8').split(/\n\n(?=[^\n—])/);
  return notes.map((note) => readNote(`${note.trim()}\n`, 'kept'));
};

/** @param {Generator<Buffer, void>} lines @param {Key[]} keys @param {Checkpoint[]} kept */
function verify(lines, keys, kept) {
  const json = parse(lines.next().value ?? refuse('The file is empty'));
  const isBundle = json['format'] === 'quinta-audit-bundle' && json['version'] === 1;
  const verifyProof = 'from' in json ? verifyConsistency : verifyInclusion;
  if (!isBundle && !('proof' in json)) refuse('This is neither a bundle (version 1) nor a proof, on its first line');
  const trust = trustIn(json['keys'], { keys, kept, firstKeys: isBundle ? 1 : keysMax });
  const path = Array.isArray(json['proof']) ? json['proof'].slice(0, pathMax).map(readHash) : [''];
  const summary = isBundle ? verifyBundle(json, lines, trust) : verifyProof(json, trust, path);
  if (kept.length > 0 && kept.every((own) => trust.unseen.has(own.text))) refuse('No kept checkpoint fits this proof');
  return { summary, notes: trust.notes };
}

/** @param {Json} header @param {Iterable<Buffer>} lines @param {Trust} trust */
function verifyBundle({ origin, size }, lines, trust) {
  const ids = /** @type {Map<number, number>} */ (new Map());
  let waiting = /** @type {ReturnType<typeof readRow>[]} */ ([]);
  const peaks = /** @type {string[]} the roots of the complete subtrees, the largest first */ ([]);
  let [rows, erased, checkpoints, passed, lastId, goodId, time] = [0, 0, 0, 0, 0, 0, 'never'];
  const cut = (/** @type {Checkpoint} */ { what, time: then }) =>
    bad('cut', `Rows were cut off behind row ${lastId}: there are ${rows}, and the ${what} is of ${then}`, lastId);
  const pass = (/** @type {Checkpoint} */ checkpoint) => {
    checkpoints += 1;
    if (checkpoint.number !== checkpoints) bad('checkpoint', `Checkpoint ${checkpoints} is missing or out of order`);
    if (checkpoint.origin !== origin) bad('checkpoint', `The ${checkpoint.what} is of another log than the header`);
    if (checkpoint.size > rows) cut(checkpoint);
    trust.check(checkpoint);
    const before = goodId;
    for (const first = rows - waiting.length; passed < checkpoint.size; passed += 1) {
      let { id, hash } = waiting[passed - first] ?? refuse('A row was lost');
      for (let rest = passed; rest % 2 === 1; rest = (rest - 1) / 2) hash = nodeHash(peaks.pop() ?? '', hash);
      peaks.push(hash);
      goodId = id;
    }
    const root = passed === 0 ? sha256('') : peaks.reduceRight((right, left) => nodeHash(left, right));
    const among = `One of the rows behind ${before} up to ${goodId} was rewritten together with its hash`;
    if (checkpoint.root !== base64(root)) bad('rewritten', `${among}: the ${checkpoint.what} has another root`);
    if (passed === rows) waiting = [];
    time = checkpoint.time;
  };
  for (const bytes of lines) {
    const line = parse(bytes);
    if ('checkpoint' in line) {
      pass(readNote(line['checkpoint'], 'stored'));
      continue;
    }
    const row = readRow(line, rows);
    const [page, bit] = [Math.floor(row.id / 32), 1 << (row.id % 32)];
    const bits = ids.get(page) ?? 0;
    if ((bits & bit) !== 0) bad('added', `Row ${row.id} is there twice`, row.id);
    if (ids.set(page, bits | bit).size > idPagesMax) refuse('The ids of the rows are too far apart');
    if (waiting.push(row) > waitingMax) refuse(`More than ${waitingMax} rows wait for a checkpoint`);
    [rows, erased, lastId] = [rows + 1, erased + row.erased, row.id];
  }
  for (const kept of trust.unseen.values()) if (kept.size > rows) cut(kept);
  for (const kept of trust.unseen.values()) bad('rewritten', `The log was rewritten: it lacks the ${kept.what}`);
  if (passed !== rows) bad('checkpoint', `Checkpoint ${checkpoints + 1} is missing: the end is at ${rows} rows`);
  if (size !== rows) bad('cut', `There are ${rows} rows, and the header says another number`);
  for (const key of trust.unknown()) bad('key', `The key ${key.text} was not confirmed by the one before it`);
  if (trust.kept.length === 0)
    trust.notes.push('only --checkpoint finds rows that were cut off with their checkpoints');
  return `${rows} rows (${erased} parts erased), ${checkpoints} checkpoints of ${String(origin)} up to ${time}`;
}

/** @param {Json} line @param {number} leaf where it stands */
function readRow(line, leaf) {
  const [row, salts, kept] = [jsonOf(line['row']), jsonOf(line['salts']), jsonOf(line['erased'])];
  const id = Number(row['id']);
  if (!isWhole(id) || String(id) !== row['id']) bad('bundle', `What stands as leaf ${leaf} is no row of the audit`);
  if (line['leaf'] !== leaf) bad('order', `Row ${id} stands as leaf ${leaf}, and is another`, id);
  if (Object.keys(row).length === 1) bad('removed', `Row ${id} was removed`, id);
  const isOdd = rowFields.some((field) => row[field] !== null && typeof row[field] !== 'string');
  const counts = [line, row, salts].map((each) => Object.keys(each).length).join();
  if (isOdd || counts !== `${'erased' in line ? 5 : 4},14,2`) bad('edited', `Row ${id} has other members`, id);
  const commitmentOf = (/** @type {'origin' | 'values'} */ part) => {
    if (!(part in kept)) return sha256(canonical(parts[part], row, { salt: salts[part] }), 'base64url');
    const isLeft = parts[part].some((field) => (row[field] ?? null) !== null) || salts[part] !== 'A'.repeat(22);
    return isLeft ? bad('erasure', `The ${part} of row ${id}, or its salt, was not erased`, id) : kept[part];
  };
  const [, date, time, fraction = ''] = instantPattern.exec(String(row['created_at'])) ?? [];
  const instant = date === undefined ? row['created_at'] : `${date}T${time}.${fraction.padEnd(6, '0')}Z`;
  const more = { origin: commitmentOf('origin'), values: commitmentOf('values'), created_at: instant, v: 1 };
  const hash = sha256(`\0${canonical(entryMembers, row, more)}`);
  const edited = `Row ${id} is not what was sealed as leaf ${leaf}: it, its salt or its hash was edited`;
  return base64(hash) === line['hash'] ? { id, hash, erased: Object.keys(kept).length } : bad('edited', edited, id);
}

/** @param {Json} answer @param {Trust} trust @param {string[]} path */
function verifyInclusion(answer, trust, path) {
  const { audit_log_id: id, leaf_index: index, tree_size: treeSize, entry, openings } = answer;
  const { origin, size, root, time } = readStated(answer['checkpoint'], trust);
  const [sealed, shown, hash] = [parse(Buffer.from(String(entry))), jsonOf(openings), sha256(`\0${String(entry)}`)];
  if (!isWhole(id) || sealed['id'] !== String(id)) bad('proof', 'The entry is not of the row audit_log_id', id);
  if (typeof entry !== 'string' || base64(hash) !== answer['leaf_hash']) bad('proof', 'leaf_hash is not of entry', id);
  for (const part of Object.keys(parts)) {
    const isSealed = typeof shown[part] === 'string' && sha256(shown[part], 'base64url') === sealed[part];
    if (!isSealed && shown[part] !== null) bad('proof', `The ${part} of row ${String(id)} is not what was sealed`, id);
  }
  if (!isWhole(index) || Number(index) >= size || treeSize !== size)
    bad('proof', 'leaf_index or tree_size is wrong', id);
  const isProved = base64(inclusionRoot(hash, Number(index), size, path)) === root && path.length === 0;
  if (!isProved) bad('proof', `The proof does not lead from row ${String(id)} to the root`, id);
  const hidden = Object.values(shown).includes(null) ? ' (a part of it erased or withheld)' : '';
  return `row ${String(id)}${hidden} is leaf ${String(index)} of the ${size} in ${origin}, signed at ${time}`;
}

/** @param {Json} answer @param {Trust} trust @param {string[]} path */
function verifyConsistency(answer, trust, path) {
  const [from, to] = [readStated(answer['from'], trust), readStated(answer['to'], trust)];
  const isInOrder = from.size > 0 && from.size <= to.size && from.number <= to.number && from.origin === to.origin;
  if (!isInOrder) bad('proof', 'from and to are not two checkpoints of one log in their order');
  const [older, newer] = consistencyRoots(readHash(from.root), from.size, to.size, path).map(base64);
  const begins = `the log of ${from.size} rows is the beginning of that of ${to.size}`;
  if (older !== from.root || newer !== to.root || path.length > 0) bad('proof', `It is not proved that ${begins}`);
  return `${begins} in ${to.origin}, signed at ${to.time}`;
}

function readStated(/** @type {unknown} */ value, /** @type {Trust} */ trust) {
  const [stated, members] = [jsonOf(value), /** @type {const} */ (['origin', 'size', 'root', 'time', 'number', 'key'])];
  const checkpoint = readNote(stated['note'], 'stated');
  const odd = members.find((member) => stated[member] !== checkpoint[member]);
  if (odd !== undefined) bad('checkpoint', `The ${odd} beside the note of the ${checkpoint.what} is not what it says`);
  trust.check(checkpoint);
  const rewritten = trust.kept.some((own) => own.size === checkpoint.size && own.text !== checkpoint.text);
  return rewritten ? bad('rewritten', `The log was rewritten: the ${checkpoint.what} is not the kept one`) : checkpoint;
}

/**
 * Good are the keys that the auditor kept, or else the first listed ones, and each listed key that made what a good one signed too.
 * @param {unknown} listed @param {{ keys: Key[], kept: Checkpoint[], firstKeys: number }} own
 */
function trustIn(listed, { keys, kept, firstKeys }) {
  const all = (Array.isArray(listed) ? listed : []).slice(0, keysMax).map(readKey);
  const good = keys.length > 0 ? keys : all.slice(0, firstKeys);
  const notes = keys.length > 0 ? [] : good.map(({ text }) => `nothing but the file vouches for its key ${text}`);
  const unseen = new Map(kept.map((own) => [own.text, own]));
  const unknown = () => all.filter((key) => !good.some(({ text }) => text === key.text));
  const check = (/** @type {Checkpoint} */ { what, text, key: maker, signatures }) => {
    const signers = [...good, ...unknown()].filter(({ id, object }) => {
      const theirs = signatures.filter((signature) => signature.id === id);
      const isTrue = theirs.every(({ bytes }) => crypto.verify(null, Buffer.from(text), object, bytes));
      return isTrue ? theirs.length > 0 : bad('checkpoint', `The ${what} has a false signature of ${id}`);
    });
    // The signed text names who made it: what an older key signs beside them confirms them, and nobody else.
    const made =
      signers.find((key) => key.text === maker && signers.some((other) => good.includes(other))) ??
      bad('checkpoint', `The ${what} is not signed by a key that can be trusted`);
    if (!good.includes(made)) good.push(made);
    unseen.delete(text);
  };
  return { notes, kept, unknown, unseen, check };
}

function readKey(/** @type {unknown} */ verifierKey) {
  const text = String(verifierKey);
  const [, name = '', hash = '', encoded = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+([\w+/]{44})$/.exec(text) ?? [];
  const key = Buffer.from(encoded, 'base64');
  // The first byte says that it is Ed25519; the hash tells keys of one name apart.
  const digest = sha256(Buffer.concat([Buffer.from(`${name}\n`), key]), 'hex');
  if (key[0] !== 1 || digest.slice(0, 8) !== hash) bad('key', `This is no Ed25519 verifier key: ${text}`);
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.toString('base64url', 1) };
  return { text, id: `${name} ${hash}`, object: crypto.createPublicKey({ key: jwk, format: 'jwk' }) };
}

function readNote(/** @type {unknown} */ note, /** @type {string} */ whose) {
  const found = notePattern.exec(String(note)) ?? bad('checkpoint', `A ${whose} checkpoint is no signed note`);
  const [, text = '', origin = '', size, root = '', time = '', number, key = '', lines = ''] = found;
  const what = `${whose} checkpoint of ${size} rows`;
  const signatures = [...lines.matchAll(/— (\S+) (\S+)\n/g)].map(([, name, encoded = '']) => {
    const bytes = Buffer.from(encoded, 'base64');
    if (bytes.toString('base64') !== encoded) bad('checkpoint', `The ${what} has a signature that is no base64`);
    return { id: `${name} ${bytes.toString('hex', 0, 4)}`, bytes: bytes.subarray(4) };
  });
  return { what, text, origin, size: Number(size), root, time, number: Number(number), key, signatures };
}

function* linesOf(/** @type {number} */ file) {
  const chunk = Buffer.alloc(2 ** 20);
  let [rest, read] = [Buffer.alloc(0), 1];
  while (read > 0) {
    read = fs.readSync(file, chunk, 0, chunk.length, null);
    const bytes = Buffer.concat([rest, chunk.subarray(0, read)]);
    let start = 0;
    for (let end; (end = bytes.indexOf(10, start)) >= 0; start = end + 1) yield bytes.subarray(start, end);
    rest = bytes.subarray(start);
    if (rest.length > lineBytesMax) refuse(`A line is longer than ${lineBytesMax} bytes`);
  }
  if (rest.length > 0) yield rest;
}

/** @param {string[]} args @returns {[code: number, text: string, json: object]} */
function main(args) {
  let isReading = false;
  try {
    const [option, flag] = /** @type {const} */ ([{ type: 'string', multiple: true }, { type: 'boolean' }]);
    const options = { key: option, checkpoint: option, json: flag, help: flag };
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
    if (values.help === true) return [0, usage, { usage }];
    if (positionals.length !== 1) return refuse('Give one file; --help says more');
    const [keys, kept] = [(values.key ?? []).map(readKey), (values.checkpoint ?? []).flatMap(readKept)];
    const file = positionals[0] === '-' ? 0 : fs.openSync(String(positionals[0]), 'r');
    isReading = true;
    const { summary, notes } = verify(linesOf(file), keys, kept);
    return [0, [`Sound: ${summary}`, ...notes].join('\nNote: '), { isSound: true, summary, notes }];
  } catch (error) {
    const { message, fault } = /** @type {Error & { fault?: Json }} */ (error);
    if (fault?.['kind'] && isReading) return [1, `Not sound: ${message}`, { isSound: false, fault }];
    return [2, message, { isSound: null, error: message }];
  }
}

const [exitCode, text, json] = main(process.argv.slice(2));
// What a hostile file says must not drive the terminal.
const shown = process.argv.includes('--json') ? JSON.stringify(json) : text.replaceAll(/[^\P{C}\n]/gu, ' ');
fs.writeSync(exitCode < 2 ? 1 : 2, `${shown}\n`);
process.exitCode = exitCode;
