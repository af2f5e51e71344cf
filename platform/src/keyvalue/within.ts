/**
 * Settles as `work` does, or rejects with `late()` after `timeoutMs`. When our own event loop was blocked, the timer
 * is due before the answer that already waits in the socket was read; so one turn of input and output comes first,
 * and a busy process does not take a healthy store for a dead one. `late` is called in that case alone.
 */
export function within<T>(work: Promise<T>, timeoutMs: number, late: () => Error): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let isPending = true;
  const giveUp = (): void => {
    if (isPending) reject(late());
  };
  const timer = setTimeout(() => setImmediate(giveUp), timeoutMs);
  const settled = (): void => {
    isPending = false;
    clearTimeout(timer);
  };
  work.finally(settled).then(resolve, reject);
  return promise;
}
