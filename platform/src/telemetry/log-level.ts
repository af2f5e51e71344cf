/** The levels that a line can have. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** The least level that is written; `critical` and `silent` let nothing of ours through. */
export type LogThreshold = LogLevel | 'critical' | 'silent';

export const ranks: Readonly<Record<LogThreshold, number>> = {
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  critical: 60,
  silent: Infinity,
};

/** What a line calls its level: the words that MEXA's logs have always had. */
export const levelWords: Readonly<Record<LogLevel, string>> = {
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
};

const thresholds = new Map<string, LogThreshold>([
  ['debug', 'debug'],
  ['trace', 'debug'],
  ['info', 'info'],
  ['warning', 'warn'],
  ['warn', 'warn'],
  ['error', 'error'],
  ['critical', 'critical'],
  ['fatal', 'critical'],
  ['silent', 'silent'],
]);

/**
 * Reads LOG_LEVEL: DEBUG, INFO, WARNING, ERROR or CRITICAL in any case, and the names that logging libraries of Node
 * have for them. Returns undefined for any other text.
 */
export function parseLogLevel(text: string): LogThreshold | undefined {
  return thresholds.get(text.trim().toLowerCase());
}
