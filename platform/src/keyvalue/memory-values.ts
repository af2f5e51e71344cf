interface Entry {
  readonly value: string;
  readonly endsAtMs: number;
}

const sweepPerWrite = 4;
const sweepWhenFull = 64;

/**
 * Strings with an end, bounded in number and in characters. What `set` wrote is a cache: when room is short the value
 * that was not used for longest goes. What `setIfAbsent` wrote is a mark that somebody relies on (a one-time ticket
 * that was used): it stays until its end, and when marks alone fill the room the next one is refused.
 */
export class MemoryValues {
  readonly #cached = new Map<string, Entry>();
  readonly #marks = new Map<string, Entry>();
  readonly #keysMax: number;
  readonly #lengthMax: number;
  #length = 0;
  #sweeper: IterableIterator<[string, Entry]>;

  constructor(options: { readonly keysMax: number; readonly lengthMax: number }) {
    this.#keysMax = options.keysMax;
    this.#lengthMax = options.lengthMax;
    this.#sweeper = this.#marks.entries();
  }

  get size(): number {
    return this.#cached.size + this.#marks.size;
  }

  get(key: string, nowMs: number): string | null {
    const mark = this.#alive(this.#marks, key, nowMs);
    if (mark) return mark.value;
    const entry = this.#alive(this.#cached, key, nowMs);
    if (!entry) return null;
    // A Map keeps the order of insertion, so what is used moves to its young end.
    this.#cached.delete(key);
    this.#cached.set(key, entry);
    return entry.value;
  }

  /** False when marks leave no room. */
  set(key: string, entry: Entry, nowMs: number): boolean {
    const home = this.#alive(this.#marks, key, nowMs) ? this.#marks : this.#cached;
    return this.#put(home, key, entry, nowMs);
  }

  /** `full` when marks leave no room. */
  setIfAbsent(key: string, entry: Entry, nowMs: number): 'set' | 'present' | 'full' {
    if (this.get(key, nowMs) !== null) return 'present';
    return this.#put(this.#marks, key, entry, nowMs) ? 'set' : 'full';
  }

  delete(key: string, nowMs: number): boolean {
    const found = this.get(key, nowMs) !== null;
    this.#drop(this.#cached, key);
    this.#drop(this.#marks, key);
    return found;
  }

  #alive(home: Map<string, Entry>, key: string, nowMs: number): Entry | undefined {
    const entry = home.get(key);
    if (entry && entry.endsAtMs <= nowMs) {
      this.#drop(home, key);
      return undefined;
    }
    return entry;
  }

  #put(home: Map<string, Entry>, key: string, entry: Entry, nowMs: number): boolean {
    const previous = home.get(key);
    this.#drop(home, key);
    if (!this.#makeRoom(key.length + entry.value.length, nowMs)) {
      if (previous && home === this.#marks) this.#add(home, key, previous);
      return false;
    }
    this.#add(home, key, entry);
    return true;
  }

  #makeRoom(length: number, nowMs: number): boolean {
    this.#sweepMarks(nowMs, this.#fits(length) ? sweepPerWrite : sweepWhenFull);
    for (const key of this.#cached.keys()) {
      if (this.#fits(length)) break;
      this.#drop(this.#cached, key);
    }
    return this.#fits(length);
  }

  #fits(length: number): boolean {
    return this.size < this.#keysMax && this.#length + length <= this.#lengthMax;
  }

  #sweepMarks(nowMs: number, count: number): void {
    for (let step = 0; step < count; step += 1) {
      const next = this.#sweeper.next();
      if (next.done) {
        this.#sweeper = this.#marks.entries();
        return;
      }
      const [key, entry] = next.value;
      if (entry.endsAtMs <= nowMs) this.#drop(this.#marks, key);
    }
  }

  #add(home: Map<string, Entry>, key: string, entry: Entry): void {
    home.set(key, entry);
    this.#length += key.length + entry.value.length;
  }

  #drop(home: Map<string, Entry>, key: string): void {
    const entry = home.get(key);
    if (!entry) return;
    home.delete(key);
    this.#length -= key.length + entry.value.length;
  }
}
