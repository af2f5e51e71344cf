import type { Fact } from '../document/report.ts';
import { dateText, pesosText, rateText } from '../document/words.ts';
import {
  type DayCount,
  formatCalendarDate,
  formatRational,
  type Frequency,
  type LoanEvent,
  type LoanTerms,
  simulate,
} from '../engine/index.ts';
import { type LoanRow, type LoanStatus, servedBy } from './loan.ts';

/** Rates come in with ten decimals at most. */
const rateDigits = 10;

const statusWords: Readonly<Record<LoanStatus, string>> = {
  REQUESTED: 'Solicitado',
  APPROVED: 'Autorizado',
  ACTIVE: 'Activo',
  PAID_OFF: 'Liquidado',
  DEFAULTED: 'Vencido',
  WRITTEN_OFF: 'Castigado',
  CANCELLED: 'Cancelado',
};

const methodWords: Readonly<Record<NonNullable<LoanTerms['method']>, string>> = {
  french: 'Pagos iguales',
  equal_principal: 'Capital igual en cada pago',
  flat: 'Interés sobre el importe inicial',
  bullet: 'Capital al vencimiento',
};

const frequencyWords: Readonly<Record<Frequency, readonly [one: string, many: string]>> = {
  monthly: ['pago mensual', 'pagos mensuales'],
  fortnightly: ['pago quincenal', 'pagos quincenales'],
  biweekly: ['pago catorcenal', 'pagos catorcenales'],
  weekly: ['pago semanal', 'pagos semanales'],
};

const dayCountWords: Readonly<Record<DayCount, string>> = {
  '30/360': '30/360',
  'actual/365': 'Días reales entre 365',
  'actual/360': 'Días reales entre 360',
  'actual/actual': 'Días reales entre los del año',
  '364': 'Semanas de un año de 364 días',
};

/** What was agreed on, in the client's words; a reschedule is told beside the first terms. */
export function termFacts(loan: LoanRow, events: readonly LoanEvent[]): readonly Fact[] {
  const granted = [
    { label: 'Estado', value: statusWords[loan.status] },
    { label: 'Importe', value: pesosText(loan.amount) },
  ];
  if (loan.disbursed_on === null) return granted;
  const { loan: terms } = servedBy(loan);
  const cat = simulate(terms).cat?.percent;
  return [
    ...granted,
    { label: 'Fecha de disposición', value: dateText(loan.disbursed_on) },
    { label: 'Plazo', value: countText(terms.term, terms.frequency) },
    { label: 'Sistema de pago', value: methodWords[terms.method ?? 'french'] },
    { label: 'Cálculo de interés', value: dayCountWords[terms.dayCount ?? '30/360'] },
    { label: 'Tasa de interés anual', value: rateText(formatRational(terms.interestRate, rateDigits)) },
    {
      label: 'IVA sobre interés',
      value: terms.vatRate ? rateText(formatRational(terms.vatRate, rateDigits)) : 'Sin IVA',
    },
    { label: 'CAT sin IVA', value: cat === undefined ? 'No determinable' : `${cat.toFixed(1)} %` },
    ...events.flatMap((event) => (event.kind === 'reschedule' ? [rescheduleFact(event, terms)] : [])),
  ];
}

function rescheduleFact(event: LoanEvent & { readonly kind: 'reschedule' }, { frequency }: LoanTerms): Fact {
  const day = dateText(formatCalendarDate(event.date));
  return { label: 'Reestructura', value: `${day}, ${countText(event.term, frequency)}` };
}

function countText(count: number, frequency: Frequency = 'monthly'): string {
  const [one, many] = frequencyWords[frequency];
  return `${count} ${count === 1 ? one : many}`;
}
