import type { ReadStatement, Result, Tx, WriteStatement } from '../database/contract.ts';

/** Any statement of a transaction. */
export type RunAny = (
  statement: ReadStatement<readonly unknown[], unknown> | WriteStatement<readonly unknown[], unknown>,
  params: readonly unknown[],
) => Promise<Result<unknown>>;

/** A transaction whose statements run through `run`; everything else is its own. */
export function txWith(tx: Tx, run: RunAny): Tx {
  return new Proxy(tx, {
    get: (target, name): unknown => {
      if (name === 'run') return run;
      const own: unknown = Reflect.get(target, name, target);
      return typeof own === 'function' ? (...given: readonly unknown[]) => own.apply(target, given) as unknown : own;
    },
  });
}
