/** Settles as `work` does, or rejects with `late()` after `timeoutMs`. */
export function within<T>(work: Promise<T>, timeoutMs: number, late: () => Error): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  // One turn of input comes first: where our own loop was blocked, the answer may wait in the socket.
  const timer = setTimeout(() => setImmediate(() => reject(late())), timeoutMs);
  work.finally(() => clearTimeout(timer)).then(resolve, reject);
  return promise;
}
