import { type Db, readStatement, type Tx, writeStatement } from '@quinta/platform/database';
import type { ProductRow } from './product.ts';

const columns = 'code, version, name, terms, limits, is_open, created_at';

const newest = readStatement<[code: string], ProductRow>(
  'product.find',
  `select ${columns} from products where code = $1 order by version desc limit 1`,
);

/** The version of a product that new loans get. */
export async function findProduct(db: Db | Tx, code: string): Promise<ProductRow | undefined> {
  return (await db.run(newest, [code])).rows[0];
}

const list = readStatement<[code: string | null, limit: number], ProductRow>(
  'product.list',
  `select ${columns} from products p
    where case when $1::text is null
          then version = (select max(version) from products n where n.code = p.code)
          else code = $1 end
    order by code, version desc limit $2`,
);

/** The newest version of each product, or every version of one, newest first. */
export async function listProducts(
  db: Db | Tx,
  page: { readonly code?: string; readonly limit: number },
): Promise<readonly ProductRow[]> {
  return (await db.run(list, [page.code ?? null, page.limit])).rows;
}

const lock = readStatement<[code: string], { locked: boolean }>(
  'product.lock',
  'select true as locked from pg_advisory_xact_lock(hashtextextended($1, 5302))',
);

/** Makes others who change this product wait until the transaction ends: versions count up without gaps. */
export async function lockProduct(tx: Tx, code: string): Promise<void> {
  await tx.run(lock, [code]);
}

const insert = writeStatement<
  [code: string, version: number, name: string, terms: string, limits: string, isOpen: boolean, createdBy: number],
  ProductRow
>(
  'product.create',
  `insert into products (code, version, name, terms, limits, is_open, created_by)
   values ($1, $2, $3, $4::jsonb, $5::jsonb, $6, $7) returning ${columns}`,
);

/** A new version of a product. */
export async function insertProduct(
  tx: Tx,
  product: Pick<ProductRow, 'code' | 'version' | 'name' | 'terms' | 'limits' | 'is_open'> & {
    readonly createdBy: number;
  },
): Promise<ProductRow> {
  const { code, version, name, terms, limits, is_open: isOpen, createdBy } = product;
  const parameters = [code, version, name, JSON.stringify(terms), JSON.stringify(limits), isOpen, createdBy] as const;
  const { rows } = await tx.run(insert, [...parameters]);
  if (!rows[0]) throw new Error('No product was written');
  return rows[0];
}
