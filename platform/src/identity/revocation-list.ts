import type { Log } from '../kernel/index.ts';

/** The families known to be revoked, each until the last access token of it has expired. */
export interface RevocationList {
  readonly has: (familyId: string) => boolean;
  /** Notes a family, and tells the listeners where it was not known. */
  readonly learn: (familyId: string, untilMs: number) => void;
  readonly forget: (nowMs: number) => void;
  readonly clear: () => void;
  readonly onLearned: (listener: (familyId: string) => void) => () => void;
  readonly size: number;
}

export function createRevocationList(log: Log): RevocationList {
  const held = new Map<string, number>();
  const listeners = new Set<(familyId: string) => void>();

  /** One listener's fault must not keep the others from hearing. */
  const tell = (listener: (familyId: string) => void, familyId: string): void => {
    try {
      listener(familyId);
    } catch (error) {
      log.error({ error, family_id: familyId }, 'A listener to revocations failed');
    }
  };

  return {
    has: (familyId) => held.has(familyId),
    learn: (familyId, untilMs) => {
      if (held.has(familyId)) return;
      held.set(familyId, untilMs);
      for (const listener of listeners) tell(listener, familyId);
    },
    forget: (nowMs) => {
      for (const [familyId, untilMs] of held) if (untilMs <= nowMs) held.delete(familyId);
    },
    clear: () => held.clear(),
    onLearned: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    get size() {
      return held.size;
    },
  };
}
