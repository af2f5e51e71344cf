import { createHash } from 'node:crypto';
import { call } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditOf } from './audit-trail.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { expectProblem } from './problem-body.ts';
import { sql } from './sql.ts';
import { newVale } from './vouchers.ts';

interface CheckpointBody {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
  readonly time: string;
  readonly number: number;
  readonly key: string;
  readonly note: string;
}

interface ProofBody {
  readonly audit_log_id: number;
  readonly leaf_index: number;
  readonly tree_size: number;
  readonly leaf_hash: string;
  readonly entry: string;
  readonly openings: { readonly origin: string | null; readonly values: string | null };
  readonly proof: readonly string[];
  readonly checkpoint: CheckpointBody;
  readonly keys: readonly string[];
}

interface PageBody {
  readonly checkpoints: readonly CheckpointBody[];
  readonly keys: readonly string[];
  readonly count: number;
  readonly next: string | null;
}

let world: MexaWorld;
beforeAll(async () => {
  world = await openMexaWorld();
});
afterAll(() => world.close());

const asAuditor = (path: string) => world.api(path, { token: world.tokens.auditor });

/** The audit row of a voucher that was drawn just now. */
async function drawnRow(): Promise<number> {
  const vale = await newVale(world, { amount: '7.25' });
  const [row] = await sql<{ id: number }>(
    world.owner,
    `select id from audit_logs where action = 'create' and resource_type = 'vale' and resource_id = $1`,
    [vale.id],
  );
  return row?.id ?? 0;
}

describe('the proof of an audit row', () => {
  test('can be had as soon as the row is there, and tells all that it proves', async () => {
    const id = await drawnRow();
    const answer = await asAuditor(`/audit-logs/${id}/proof`);
    expect(answer.status).toBe(200);
    const proof = answer.json<ProofBody>();
    expect(proof.audit_log_id).toBe(id);
    expect(proof.tree_size).toBe(proof.checkpoint.size);
    const leaf = createHash('sha256').update(Buffer.of(0)).update(proof.entry).digest('base64');
    expect(proof.leaf_hash).toBe(leaf);
    const entry = JSON.parse(proof.entry) as Record<string, unknown>;
    expect(entry).toMatchObject({ id: String(id), action: 'create', resource_type: 'vale' });
    for (const part of ['origin', 'values'] as const) {
      expect(entry[part]).toBe(
        createHash('sha256')
          .update(proof.openings[part] ?? '')
          .digest('base64url'),
      );
    }
    expect(proof.openings.values).toContain('7.25');
    expect(proof.openings.origin).toContain('127.0.0.1');
    expect(proof.checkpoint.note).toContain(`\n${proof.tree_size}\n${proof.checkpoint.root}\n`);
    expect(proof.keys).toEqual([expect.stringMatching(/^quinta-audit-mexa\+[0-9a-f]{8}\+[\w+/]{44}$/)]);
  });

  test('is also had under an older checkpoint, and under none that is too small or not there', async () => {
    const first = (await asAuditor(`/audit-logs/${await drawnRow()}/proof`)).json<ProofBody>();
    const second = (await asAuditor(`/audit-logs/${await drawnRow()}/proof`)).json<ProofBody>();
    const older = await asAuditor(`/audit-logs/${first.audit_log_id}/proof?size=${first.tree_size}`);
    expect(older.json<ProofBody>()).toEqual(first);
    expect(second.tree_size).toBeGreaterThan(first.tree_size);
    const small = await asAuditor(`/audit-logs/${second.audit_log_id}/proof?size=${first.tree_size}`);
    expectProblem(small, 409, 'audit_log_not_sealed_yet');
    expect(small.headers.get('retry-after')).toBe('1');
    const none = await asAuditor(`/audit-logs/${first.audit_log_id}/proof?size=${second.tree_size + 1_000}`);
    expectProblem(none, 404, 'audit_checkpoint_not_found');
  });

  test('is audited as reading, and a row that is not there is a 404', async () => {
    const id = await drawnRow();
    const requestId = crypto.randomUUID();
    const headers = { 'x-request-id': requestId };
    const path = `${world.baseUrl}/api/v1/audit-logs/${id}/proof`;
    expect((await call(path, { token: world.tokens.auditor, headers })).status).toBe(200);
    expect(await auditOf(world, requestId)).toMatchObject([{ action: 'read', details: { id, proof: true } }]);
    expectProblem(await asAuditor('/audit-logs/2147483647/proof'), 404, 'audit_log_not_found');
  });

  test('is refused for a row that is not what was sealed', async () => {
    const id = await drawnRow();
    expect((await asAuditor(`/audit-logs/${id}/proof`)).status).toBe(200);
    await sql(world.owner, 'alter table audit_logs disable trigger user');
    await sql(world.owner, `update audit_logs set endpoint = '/elsewhere' where id = $1`, [id]);
    expectProblem(await asAuditor(`/audit-logs/${id}/proof`), 409, 'audit_log_altered');
    await sql(world.owner, `update audit_logs set endpoint = '/api/v1/vales' where id = $1`, [id]);
    await sql(world.owner, 'alter table audit_logs enable trigger user');
    expect((await asAuditor(`/audit-logs/${id}/proof`)).status).toBe(200);
  });
});

describe('checkpoints', () => {
  test('come newest first, page by page, with the keys that verify them', async () => {
    for (let part = 0; part < 3; part += 1) await asAuditor(`/audit-logs/${await drawnRow()}/proof`);
    const all = (await asAuditor('/audit-logs/checkpoints')).json<PageBody>();
    const numbers = all.checkpoints.map(({ number }) => number);
    expect(numbers).toEqual(numbers.map((_, place) => (numbers[0] ?? 0) - place));
    expect(all).toMatchObject({ count: numbers.length, next: null });
    const first = (await asAuditor('/audit-logs/checkpoints?limit=2')).json<PageBody>();
    expect(first.checkpoints.map(({ number }) => number)).toEqual(numbers.slice(0, 2));
    const second = (await asAuditor(`/audit-logs/checkpoints?limit=2&cursor=${first.next}`)).json<PageBody>();
    expect(second.checkpoints.map(({ number }) => number)).toEqual(numbers.slice(2, 4));
    expect(first.keys).toHaveLength(1);
  });

  test('are proved to go on from each other', async () => {
    const { checkpoints } = (await asAuditor('/audit-logs/checkpoints')).json<PageBody>();
    const [newest, oldest] = [checkpoints[0], checkpoints.at(-1)];
    const path = `/audit-logs/consistency?from=${oldest?.size}&to=${newest?.size}`;
    const answer = await asAuditor(path);
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({ from: oldest, to: newest });
    expect(answer.json<{ proof: string[] }>().proof.length).toBeGreaterThan(0);
    expectProblem(
      await asAuditor(`/audit-logs/consistency?from=1&to=${newest?.size}`),
      404,
      'audit_checkpoint_not_found',
    );
    const backwards = await asAuditor(`/audit-logs/consistency?from=${newest?.size}&to=1`);
    expectProblem(backwards, 422, 'validation_failed');
  });
});

test('sealing is seen at /ready and in /metrics', async () => {
  await asAuditor(`/audit-logs/${await drawnRow()}/proof`);
  const ready = await call(`${world.baseUrl}/ready`);
  expect(ready.json()).toMatchObject({
    status: 'ready',
    parts: { audit_sealer: { status: 'up', essential: false, lag_seconds: expect.any(Number) as number } },
  });
  const metrics = (await call(`${world.baseUrl}/metrics`)).text;
  expect(metrics).toMatch(/quinta_audit_sealed_rows_total\{[^}]*service="mexa"[^}]*\} [1-9]/);
  expect(metrics).toMatch(/quinta_audit_seal_lag_seconds\{[^}]*\} \d/);
  expect(metrics).toMatch(/quinta_audit_unsealed_rows\{[^}]*\} \d/);
});

test('sealing that is behind is told at /ready, and stops nobody', async () => {
  const lagging = await openMexaWorld({ environment: { AUDIT_SEALING: 'false', AUDIT_LAG_MAX_S: '1' } });
  try {
    await sql(
      lagging.owner,
      `insert into audit_logs (request_id, action, resource_type, created_at)
       values (gen_random_uuid(), 'create', 'vale', localtimestamp - interval '1 hour')`,
    );
    await sql(lagging.owner, `update audit_tree set high_id = (select max(id) - 1 from audit_logs)`);
    const ready = await call(`${lagging.baseUrl}/ready`);
    expect(ready.status).toBe(200);
    expect(ready.json()).toMatchObject({ status: 'degraded', parts: { audit_sealer: { status: 'down' } } });
    expect((await call(`${lagging.baseUrl}/metrics`)).text).toMatch(/quinta_audit_seal_lag_seconds\{[^}]*\} 36\d\d/);
  } finally {
    await lagging.close();
  }
});
