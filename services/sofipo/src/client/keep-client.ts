import { changesOf, recordAudit, redact } from '@quinta/platform/audit';
import { brokenConstraint } from '@quinta/platform/database';
import { type Answer, idempotently } from '@quinta/platform/http';
import type { Context } from '@quinta/platform/kernel';
import { recordEvents } from '@quinta/platform/messaging';
import type { Sofipo } from '../app.ts';
import { eventOf } from '../events/domain-events.ts';
import { newId } from '../new-id.ts';
import { clientHasLoans, clientNotFound, emailTaken, rfcTaken } from '../problems.ts';
import { auditRules, type Client, type ClientChange, type ClientInput, clientOf, factsOf } from './client.ts';
import { countLoansOf, deleteClientRow, findTaken, insertClient, lockClient, updateClient } from './client-store.ts';

/**
 * Registers a client; with an idempotency key a retry gets the first answer.
 * @throws Problem rfc_taken or email_taken
 */
export async function registerClient(
  app: Sofipo,
  context: Context,
  input: ClientInput,
  key: string | undefined,
): Promise<Answer<Client> & { readonly isReplay: boolean }> {
  const writes = app.writes(context, `rfc:${input.rfc}`);
  const answer = await idempotently(writes, { context, key, request: input }, async (tx) => {
    const id = newId(context);
    writes.touch(`client:${id}`);
    const row = await insertClient(tx, { id, ...input });
    if (!row) {
      const { rfc_taken: isRfcTaken } = await findTaken(tx, { id, ...input });
      throw isRfcTaken ? rfcTaken() : emailTaken();
    }
    await recordAudit(tx, context, {
      action: 'create',
      resourceType: 'client',
      resourceId: id,
      newValues: redact(factsOf(row), auditRules),
    });
    await recordEvents(tx, context, [eventOf('client_created', { id }, factsOf(row))]);
    return { status: 201, body: clientOf(row) };
  });
  if (answer.isReplay) await app.writes(context, `client:${answer.body.id}`).tell();
  return answer;
}

/**
 * Changes a client's name or address.
 * @throws Problem client_not_found or email_taken
 */
export async function changeClient(app: Sofipo, context: Context, id: string, change: ClientChange): Promise<Client> {
  const writes = app.writes(context, `client:${id}`);
  const changing = writes.transact(async (tx) => {
    const before = await lockClient(tx, id);
    if (!before) throw clientNotFound();
    writes.touch(`rfc:${before.rfc}`);
    const { full_name = before.full_name, email = before.email } = change;
    const after = { ...before, full_name, email };
    const { oldValues, newValues } = changesOf(factsOf(before), factsOf(after), auditRules);
    const changed = Object.entries(factsOf(after)).filter(([name, value]) => factsOf(before)[name] !== value);
    if (changed.length === 0) return clientOf(before);
    if ((await findTaken(tx, after)).email_taken) throw emailTaken();
    const row = await updateClient(tx, after);
    await recordAudit(tx, context, { action: 'update', resourceType: 'client', resourceId: id, oldValues, newValues });
    await recordEvents(tx, context, [eventOf('client_updated', { id }, Object.fromEntries(changed))]);
    return clientOf(row);
  });
  return changing.catch((error: unknown) => {
    // Somebody took the address after it was looked for.
    throw brokenConstraint(error)?.includes('email') ? emailTaken({}, { cause: error }) : error;
  });
}

/**
 * Deletes a client who never had a loan: what was lent stays told.
 * @throws Problem client_not_found or client_has_loans
 */
export async function deleteClient(app: Sofipo, context: Context, id: string): Promise<void> {
  const writes = app.writes(context, `client:${id}`);
  await writes.transact(async (tx) => {
    const row = await lockClient(tx, id);
    if (!row) throw clientNotFound();
    writes.touch(`rfc:${row.rfc}`);
    const count = await countLoansOf(tx, id);
    if (count > 0) throw clientHasLoans({ id, count });
    await deleteClientRow(tx, id);
    const oldValues = redact(factsOf(row), auditRules);
    await recordAudit(tx, context, { action: 'delete', resourceType: 'client', resourceId: id, oldValues });
    await recordEvents(tx, context, [eventOf('client_deleted', { id }, {})]);
  });
}
