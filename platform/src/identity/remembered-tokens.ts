/**
 * What was verified, by the MAC of its token, so that the next request with the same token costs a look-up. Two
 * generations: what is asked for moves to the young one, and when that is full the old one is dropped whole. That
 * keeps the most recently used half for certain and at most `entriesMax` in all, without work on each hit.
 */
export interface RememberedTokens<Value> {
  get(mac: string): Value | undefined;
  set(mac: string, value: Value): void;
  readonly size: number;
}

export function rememberTokens<Value>(entriesMax: number): RememberedTokens<Value> {
  const generationMax = Math.max(1, Math.floor(entriesMax / 2));
  let young = new Map<string, Value>();
  let old = new Map<string, Value>();

  const set = (mac: string, value: Value): void => {
    if (young.size >= generationMax) {
      old = young;
      young = new Map();
    }
    old.delete(mac);
    young.set(mac, value);
  };

  return {
    get: (mac) => {
      const value = young.get(mac);
      if (value !== undefined) return value;
      const older = old.get(mac);
      if (older !== undefined) set(mac, older);
      return older;
    },
    set,
    get size() {
      return young.size + old.size;
    },
  };
}
