/** The levels that a line can have, as pino names them. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** The least level that is written; `fatal` and `silent` let nothing of ours through. */
export type LogThreshold = LogLevel | 'fatal' | 'silent';

/** What a line calls its level: the words that MEXA's logs have always had. */
export const levelWords: Readonly<Record<string, string>> = {
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'CRITICAL',
};

const thresholds = new Map<string, LogThreshold>([
  ['debug', 'debug'],
  ['trace', 'debug'],
  ['info', 'info'],
  ['warning', 'warn'],
  ['warn', 'warn'],
  ['error', 'error'],
  ['critical', 'fatal'],
  ['fatal', 'fatal'],
  ['silent', 'silent'],
]);

/**
 * Reads LOG_LEVEL: DEBUG, INFO, WARNING, ERROR or CRITICAL in any case, and pino's own names. Returns undefined for
 * any other text.
 */
export function parseLogLevel(text: string): LogThreshold | undefined {
  return thresholds.get(text.trim().toLowerCase());
}
