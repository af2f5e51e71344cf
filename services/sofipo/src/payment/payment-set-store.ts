import { type Tx, writeStatement } from '@quinta/platform/database';
import { outboxColumns } from '@quinta/platform/messaging';
import type { PaymentRow } from './payment.ts';
import { paymentColumns } from './payment-store.ts';

/** The parameters of a set, one array a column. */
export interface PaymentArrays {
  readonly ids: string[];
  readonly loanIds: string[];
  readonly amounts: string[];
  readonly days: string[];
  readonly actorIds: number[];
  readonly parts: { readonly [part in 'principal' | 'interest' | 'vat' | 'fee' | 'penalty']: string[] };
}

const insert = writeStatement<
  [
    ids: string[],
    loanIds: string[],
    amounts: string[],
    principal: string[],
    interest: string[],
    vat: string[],
    fee: string[],
    penalty: string[],
    days: string[],
    actorIds: number[],
  ],
  PaymentRow & { readonly position: string }
>(
  'payment.register',
  `with command as (
    select * from unnest($1::uuid[], $2::uuid[], $3::numeric[], $4::numeric[], $5::numeric[], $6::numeric[],
        $7::numeric[], $8::numeric[], $9::date[], $10::int[]) with ordinality
      as c (id, loan_id, amount, principal, interest, vat, fee, penalty, day, actor_id, place)
  ), recorded as (
    insert into loan_events (id, loan_id, kind, happened_on, amount, recorded_by)
    select id, loan_id, 'payment', day, amount, actor_id from command order by place
    returning position
  )
  insert into payments (id, loan_id, amount, principal, interest, vat, fee, penalty, payment_date)
  select id, loan_id, amount, principal, interest, vat, fee, penalty, now() from command order by place
  returning ${paymentColumns}, (select max(position) from recorded) as position`,
);

/** A set of payments that is written. */
export interface Written {
  readonly rows: ReadonlyMap<string, PaymentRow>;
  /** Of the last of their events; undefined where there is none. */
  readonly position: number | undefined;
}

/** A set of payments with the events of their loans, which the transaction has locked. */
export async function insertPayments(tx: Tx, set: PaymentArrays): Promise<Written> {
  const { ids, loanIds, amounts, parts, days, actorIds } = set;
  const { rows } = await tx.run(insert, [
    ids,
    loanIds,
    amounts,
    parts.principal,
    parts.interest,
    parts.vat,
    parts.fee,
    parts.penalty,
    days,
    actorIds,
  ]);
  const position = rows[0]?.position;
  return {
    rows: new Map(rows.map((row) => [row.id, row])),
    position: position === undefined ? undefined : Number(position),
  };
}

const postAll = writeStatement<
  [
    loanIds: string[],
    eventIds: string[],
    days: string[],
    places: number[],
    accounts: string[],
    amounts: string[],
    movedIds: string[],
    statuses: string[],
    balances: string[],
    receivables: string[],
  ],
  never
>(
  'payment.post',
  `with entry as (
    select nextval(pg_get_serial_sequence('entries', 'id')) as id, e.*
      from unnest($1::uuid[], $2::uuid[], $3::date[]) with ordinality as e (loan_id, event_id, day, place)
  ), entered as (
    insert into entries (id, loan_id, event_id, happened_on)
    select id, loan_id, event_id, day from entry order by place
    returning id
  ), posted as (
    insert into postings (entry_id, account, amount)
    select e.id, p.account, p.amount
      from unnest($4::int[], $5::text[], $6::numeric[]) as p (place, account, amount)
      join entry e on e.place = p.place
  )
  update loans l
     set status = m.status, current_balance = m.balance, interest_receivable = m.receivable, updated_at = now()
    from unnest($7::uuid[], $8::text[], $9::numeric[], $10::numeric[]) as m (id, status, balance, receivable)
   where l.id = m.id`,
);

/** The ledger's side of a set of payments, and how it leaves the loans. */
export function postPayments(
  tx: Tx,
  set: {
    readonly entries: readonly { readonly loanId: string; readonly eventId: string; readonly day: string }[];
    readonly postings: readonly { readonly place: number; readonly account: string; readonly amount: string }[];
    readonly loans: readonly {
      readonly id: string;
      readonly status: string;
      readonly balance: string;
      readonly receivable: string;
    }[];
  },
): void {
  const { entries, postings, loans } = set;
  tx.runLater(postAll, [
    entries.map(({ loanId }) => loanId),
    entries.map(({ eventId }) => eventId),
    entries.map(({ day }) => day),
    postings.map(({ place }) => place),
    postings.map(({ account }) => account),
    postings.map(({ amount }) => amount),
    loans.map(({ id }) => id),
    loans.map(({ status }) => status),
    loans.map(({ balance }) => balance),
    loans.map(({ receivable }) => receivable),
  ]);
}

const tell = writeStatement<
  [
    requestIds: string[],
    actorIds: string[],
    endpoints: string[],
    methods: string[],
    addresses: string[],
    userAgents: string[],
    resourceIds: string[],
    newValues: string[],
    eventIds: string[],
    types: string[],
    keys: string[],
    entityIds: string[],
    orderKeys: string[],
    payloads: string[],
    eventRequestIds: string[],
  ],
  never
>(
  'payment.tell',
  `with audited as (
    insert into audit_logs (request_id, user_id, endpoint, method, ip_address, user_agent, action, resource_type,
        resource_id, new_values)
    select request_id, user_id, endpoint, method, ip_address, user_agent, 'create', 'payment', resource_id,
        new_values::json
      from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
        with ordinality as a (request_id, user_id, endpoint, method, ip_address, user_agent, resource_id, new_values,
          place)
     order by place
  )
  insert into outbox (${outboxColumns})
  select id, event_type, routing_key, entity_id, order_key, 1, payload, request_id
    from unnest($9::uuid[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::uuid[])
      with ordinality as o (id, event_type, routing_key, entity_id, order_key, payload, request_id, place)
   order by place`,
);

/** What the audit and the outbox are told of a set, one row a fact. */
export interface Told {
  readonly audit: readonly {
    readonly requestId: string;
    readonly actorId: string;
    readonly endpoint: string;
    readonly method: string;
    readonly address: string;
    readonly userAgent: string;
    readonly resourceId: string;
    readonly newValues: string;
  }[];
  readonly events: readonly {
    readonly id: string;
    readonly type: string;
    readonly routingKey: string;
    readonly entityId: string;
    readonly orderKey: string;
    readonly payload: string;
    readonly requestId: string;
  }[];
}

export function tellPayments(tx: Tx, { audit, events }: Told): void {
  tx.runLater(tell, [
    audit.map((row) => row.requestId),
    audit.map((row) => row.actorId),
    audit.map((row) => row.endpoint),
    audit.map((row) => row.method),
    audit.map((row) => row.address),
    audit.map((row) => row.userAgent),
    audit.map((row) => row.resourceId),
    audit.map((row) => row.newValues),
    events.map((row) => row.id),
    events.map((row) => row.type),
    events.map((row) => row.routingKey),
    events.map((row) => row.entityId),
    events.map((row) => row.orderKey),
    events.map((row) => row.payload),
    events.map((row) => row.requestId),
  ]);
}
