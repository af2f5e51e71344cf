import { recordAudit } from '@quinta/platform/audit';
import { type Answer, idempotently } from '@quinta/platform/http';
import { actorIdOf, type Context } from '@quinta/platform/kernel';
import { recordEvents } from '@quinta/platform/messaging';
import type { z } from 'zod';
import type { Sofipo } from '../app.ts';
import { calendarDate, checkServicing, generateSchedule } from '../engine/index.ts';
import { eventOf } from '../events/domain-events.ts';
import { refusingFields } from '../lending-refusal.ts';
import { servicingOf, storeTerms } from '../loan/loan-terms.ts';
import { loanInput } from '../loan/terms-input.ts';
import { productNotFound, productTaken } from '../problems.ts';
import { keptContent, type ProductContent, productOf, type productOutput, shownProduct } from './product.ts';
import { findProduct, insertProduct, lockProduct } from './product-store.ts';

type ShownProduct = z.output<typeof productOutput>;

/**
 * Makes a product, or a new version of one; loans that were granted keep theirs.
 * @throws Problem product_taken, product_not_found, or lending_refused for terms that allow no loan
 */
export function keepProduct(
  app: Sofipo,
  context: Context,
  asked: {
    readonly code: string;
    readonly isNew: boolean;
    readonly content: ProductContent;
    readonly key?: string | undefined;
  },
): Promise<Answer<ShownProduct> & { readonly isReplay: boolean }> {
  const { code, isNew, content, key } = asked;
  const kept = keptContent(content);
  const request = { code, isNew, name: content.name, is_open: content.is_open, ...kept };
  return idempotently(app.writes(context, `product:${code}`), { context, key, request }, async (tx) => {
    await lockProduct(tx, code);
    const before = await findProduct(tx, code);
    if (isNew && before) throw productTaken({ code });
    if (!isNew && !before) throw productNotFound({ code });
    const version = (before?.version ?? 0) + 1;
    const { name, is_open } = content;
    const row = await insertProduct(tx, { code, version, name, is_open, ...kept, createdBy: actorIdOf(context) });
    tryTerms(productOf(row).terms);
    const shown = shownProduct(row);
    await recordAudit(tx, context, {
      action: isNew ? 'create' : 'update',
      resourceType: 'product',
      resourceId: `${code}/${version}`,
      ...(before ? { oldValues: { ...shownProduct(before) } } : {}),
      newValues: { ...shown },
    });
    const type = isNew ? 'product_created' : 'product_changed';
    await recordEvents(tx, context, [eventOf(type, { id: code }, { ...shown })]);
    return { status: isNew ? 201 : 200, body: shown };
  });
}

/** Whether some loan could be served by these terms at all. */
function tryTerms(terms: ReturnType<typeof productOf>['terms']): void {
  const grace = Math.max(terms.grace_on_principal ?? 0, terms.grace_on_interest ?? 0);
  const sample = loanInput.parse({
    client_id: '00000000-0000-4000-8000-000000000000',
    amount: '1000000.00',
    interest_rate: '0.15',
    term_months: 24 + grace,
  });
  const start = calendarDate(2026, 1, 1);
  const servicing = servicingOf(storeTerms(sample, terms, {}), '2026-01-01');
  refusingFields(() => {
    checkServicing(servicing);
    generateSchedule({ ...servicing.loan, startDate: start });
  });
}
