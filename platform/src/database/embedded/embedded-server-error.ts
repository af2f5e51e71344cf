/** Why the embedded PostgreSQL cannot be used, in sentences that say what to do. Never holds a password. */
export class EmbeddedServerError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EmbeddedServerError';
  }
}

/** What the file system or PostgreSQL says, and what it means for the person who starts the house. */
const meanings: readonly { readonly sign: RegExp; readonly meaning: string }[] = [
  {
    sign: /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded|wrote only \d+ of \d+ bytes/i,
    meaning: 'the disk is full',
  },
  { sign: /EROFS|Read-only file system/i, meaning: 'the file system is read-only' },
  {
    sign: /EACCES|EPERM|Permission denied|Operation not permitted|readonly database/i,
    meaning: 'permission is denied',
  },
  { sign: /ENOTDIR|Not a directory/i, meaning: 'a part of its path is a file' },
  { sign: /ENAMETOOLONG|File name too long|too long/i, meaning: 'its path is too long' },
];

/**
 * The error of `action` ("Cannot write to /data") as one sentence with its reason; what is already such a sentence
 * passes unchanged.
 */
export function explained(action: string, error: unknown): EmbeddedServerError {
  if (error instanceof EmbeddedServerError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new EmbeddedServerError(`${action}: ${reasonIn(text)}`, { cause: error });
}

/** Runs `work` and turns what it throws into a sentence that begins with `action`. */
export function explaining<T>(action: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explained(action, error);
  }
}

/** The meaning of an output or message where it is known, with the text that says so; else the text itself. */
export function reasonIn(text: string): string {
  const known = meanings.find(({ sign }) => sign.test(text));
  const said = tailOf(text);
  return known ? `${known.meaning} (${said})` : said;
}

const tailLines = 6;

function tailOf(text: string): string {
  const lines = text.trim().split('\n');
  const telling = lines.filter((line) => /error|fatal|panic|cannot|could not/i.test(line));
  return (telling.length > 0 ? telling : lines).slice(-tailLines).join('; ');
}
