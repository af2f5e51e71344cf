import { readStatement, writeStatement } from '../../contract.ts';

export const find = readStatement<[key: string], { value: number; replica: boolean }>(
  'test.find',
  'select value, pg_is_in_recovery() as replica from kept where key = $1',
);

export const keep = writeStatement<[key: string, value: number], never>(
  'test.keep',
  'insert into kept values ($1, $2) on conflict (key) do update set value = excluded.value',
);
