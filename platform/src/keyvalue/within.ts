/**
 * Settles as `work` does, or rejects with `late()` after `timeoutMs`. When our own event loop was blocked, the timer
 * is due before the answer that already waits in the socket was read; so one turn of input and output comes first,
 * and a busy process does not take a healthy store for a dead one.
 */
export function within<T>(work: Promise<T>, timeoutMs: number, late: () => Error): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => setImmediate(() => reject(late())), timeoutMs);
  work.then(resolve, reject).finally(() => clearTimeout(timer));
  return promise;
}
