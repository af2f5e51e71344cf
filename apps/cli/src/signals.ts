const stopSignals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * Resolves to the first signal that asks the process to stop. Later ones change nothing: npm forwards what a process
 * group has got already, so a second SIGTERM is no impatience.
 */
export function untilToldToStop(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of stopSignals) process.on(signal, () => resolve(signal));
  });
}
