import { recordAudit } from '@quinta/platform/audit';
import type { Tx } from '@quinta/platform/database';
import { type Answer, idempotently } from '@quinta/platform/http';
import { actorIdOf, type Context, formatMinor } from '@quinta/platform/kernel';
import { recordEvents } from '@quinta/platform/messaging';
import type { Sofipo } from '../app.ts';
import { lockClient } from '../client/client-store.ts';
import { checkServicing, generateSchedule } from '../engine/index.ts';
import { eventOf } from '../events/domain-events.ts';
import { disbursement } from '../ledger/entry.ts';
import { postEntry } from '../ledger/ledger-store.ts';
import { refusingFields } from '../lending-refusal.ts';
import { newId } from '../new-id.ts';
import { plainOf } from '../plain.ts';
import { clientNotFound, productNotFound, productRefuses } from '../problems.ts';
import { beyondLimits, defaultProduct, needsApproval, type Product, productOf } from '../product/product.ts';
import { findProduct } from '../product/product-store.ts';
import { type Loan, loanOf, type LoanRow } from './loan.ts';
import { insertLoan, payOutLoan } from './loan-store.ts';
import { minorOf, servicingOf, startTerms, storeTerms } from './loan-terms.ts';
import { type LoanInput, pinnedNames, type ProductTermsInput } from './terms-input.ts';

/**
 * Grants a loan under a product and pays it out; above the product's limit it is only requested, and somebody else
 * approves it. With an idempotency key a retry gets the first answer. The loan keeps its terms for good.
 * @throws Problem client_not_found, product_not_found, product_refuses, or lending_refused for terms that allow no schedule
 */
export async function grantLoan(
  app: Sofipo,
  context: Context,
  input: LoanInput,
  key: string | undefined,
): Promise<Answer<Loan> & { readonly isReplay: boolean }> {
  const writes = app.writes(context, `client:${input.client_id}`);
  const answer = await idempotently(writes, { context, key, request: plainOf(input) }, async (tx) => {
    const id = newId(context);
    writes.touch(`loan:${id}`);
    const product = await productFor(tx, input);
    const stored = storeTerms(input, product.terms, givenOf(input));
    startChecked(stored, app, undefined);
    const client = await lockClient(tx, input.client_id);
    if (!client) throw clientNotFound();
    const isRequest = needsApproval(product, input.amount);
    const row = await insertLoan(tx, {
      id,
      clientId: client.id,
      amount: formatMinor(input.amount),
      interestRate: input.interest_rate,
      termMonths: input.term_months,
      terms: stored,
      product,
      requestedBy: actorIdOf(context),
      status: isRequest ? 'REQUESTED' : 'APPROVED',
    });
    const loan = loanOf(isRequest ? row : await payOut(tx, app, context, { loan: row }));
    const audited = { action: isRequest ? 'request' : 'create', resourceType: 'loan', resourceId: loan.id };
    await recordAudit(tx, context, { ...audited, newValues: { ...loan } });
    const type = isRequest ? 'loan_requested' : 'loan_created';
    await recordEvents(tx, context, [eventOf(type, { id: loan.id }, { ...loan })]);
    return { status: 201, body: loan };
  });
  if (answer.isReplay) await app.writes(context, `client:${input.client_id}`, `loan:${answer.body.id}`).tell();
  return answer;
}

/**
 * Pays out a loan that the transaction has locked, or just made: terms get their first day, the ledger its entry.
 * @throws Problem lending_refused for terms that from this day on allow no schedule
 */
export async function payOut(
  tx: Tx,
  app: Sofipo,
  context: Context,
  { loan, firstDueDate }: { readonly loan: LoanRow; readonly firstDueDate?: string | undefined },
): Promise<LoanRow> {
  const { terms, disbursedOn, opening } = startChecked(loan.terms, app, firstDueDate);
  const eventId = newId(context);
  const recordedBy = actorIdOf(context);
  const row = await payOutLoan(tx, { id: loan.id, terms, day: disbursedOn, eventId, recordedBy });
  const postings = disbursement(minorOf(loan.amount), opening);
  await postEntry(tx, { loanId: loan.id, eventId, day: disbursedOn, postings });
  return row;
}

/** The terms as they are from today on, or from the day that they name; refuses those that cannot be served. */
function startChecked(stored: unknown, app: Sofipo, firstDueDate: string | undefined) {
  const { terms, disbursedOn } = startTerms(stored, app.today(), firstDueDate);
  const { opening } = refusingFields(() => {
    const servicing = servicingOf(terms, disbursedOn);
    checkServicing(servicing);
    return generateSchedule(servicing.loan);
  });
  return { terms, disbursedOn, opening };
}

async function productFor(tx: Tx, input: LoanInput): Promise<Product> {
  const code = input.product ?? defaultProduct;
  const row = await findProduct(tx, code);
  if (!row) throw productNotFound({ code });
  const product = productOf(row);
  const pinned = product.isNegotiable ? [] : Object.keys(givenOf(input));
  const faults = [
    ...(product.isOpen ? [] : [{ field: 'product', expected: 'one under which new loans are granted' }]),
    ...pinned.map((field) => ({ field, expected: 'nothing, because the product pins it' })),
    ...beyondLimits(product, input),
  ];
  if (faults.length === 0) return product;
  const errors = faults.map(({ field, expected }) => ({
    loc: ['body', field],
    msg: `Expected ${expected}`,
    type: 'product_refuses',
  }));
  const sentence = faults.map(({ field, expected }) => `${field} should be ${expected}`).join('; ');
  throw productRefuses({ product: code, sentence }, { errors });
}

/** The terms that the request names itself. */
function givenOf(input: LoanInput): ProductTermsInput {
  return Object.fromEntries(pinnedNames.flatMap((name) => (input[name] === undefined ? [] : [[name, input[name]]])));
}
