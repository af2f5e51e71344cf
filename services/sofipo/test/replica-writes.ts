import { all, pathsOf, productPaths, send, type Write } from './replica-stories.ts';
import { newClient } from './sofipo-world.ts';

const arrival = newClient();

const ofClients: readonly Write[] = [
  {
    operation: 'client.create',
    write: (story) => send(story, '/clients', { method: 'POST', body: arrival }),
    shows: ({ loan }, made) => {
      const { byRfc, byId, statement } = pathsOf({ client: { id: made, rfc: String(arrival['rfc']) }, loan });
      return all(new RegExp(made), byRfc, byId, statement);
    },
  },
  {
    operation: 'client.update',
    write: (story) => send(story, `/clients/${story.client.id}`, { method: 'PUT', body: { full_name: 'Otro Nombre' } }),
    shows: (story) => {
      const { byRfc, byId, statement } = pathsOf(story);
      return all(/Otro Nombre/, byRfc, byId, statement);
    },
  },
  {
    operation: 'client.delete',
    write: (story) => send(story, `/clients/${story.bare.id}`, { method: 'DELETE' }),
    shows: ({ bare, loan }) => {
      const { byRfc, byId, statement } = pathsOf({ client: bare, loan });
      return all(/^404 /, byRfc, byId, statement);
    },
  },
];

const ofLoans: readonly Write[] = [
  {
    operation: 'loan.grant',
    write: (story) => {
      const body = { client_id: story.client.id, amount: 1_234, interest_rate: 0.1, term_months: 6 };
      return send(story, '/loans', { method: 'POST', body });
    },
    shows: (story, made) => {
      const { loan, loans, schedule, payoff, payments, statement } = pathsOf({
        ...story,
        loan: { ...story.loan, id: made },
      });
      return [...all(/"1234\.00"/, loan, loans, schedule, payoff, statement), ...all(/^200 \[\]$/, payments)];
    },
  },
  {
    operation: 'payment.register',
    write: (story) => send(story, `/loans/${story.loan.id}/payments`, { method: 'POST', body: { amount: 7.77 } }),
    shows: (story) => {
      const { loan, loans, schedule, payoff, payments, statement } = pathsOf(story);
      return [
        ...all(/"47492\.23"/, loan, loans, schedule, payoff, statement),
        ...all(/"amount":"7\.77"/, payments, statement),
      ];
    },
  },
  {
    operation: 'payment.reverse',
    write: (story) => send(story, `/loans/${story.loan.id}/payments/${story.paymentId}/reverse`, { method: 'POST' }),
    shows: (story) => {
      const { loan, loans, schedule, payoff, payments, statement } = pathsOf(story);
      return [
        ...all(/"current_balance":"50000\.00"/, loan, loans, schedule, statement),
        ...all(/"total":"50000\.00"/, payoff),
        ...all(/"reversed_at":"/, payments, statement),
      ];
    },
  },
  {
    operation: 'loan.set_status',
    write: (story) => send(story, `/loans/${story.loan.id}/status`, { method: 'PUT', body: { status: 'DEFAULTED' } }),
    shows: (story) => {
      const { loan, loans, statement } = pathsOf(story);
      return [...all(/"DEFAULTED"/, loan, `${loans}&status=DEFAULTED`), ...all(/"active_loans":\[\]/, statement)];
    },
  },
  {
    operation: 'loan.cancel',
    before: (story) => send(story, `/loans/${story.loan.id}/payments/${story.paymentId}/reverse`, { method: 'POST' }),
    write: (story) => send(story, `/loans/${story.loan.id}`, { method: 'DELETE' }),
    shows: (story) => {
      const { loan, loans, schedule, payoff, statement } = pathsOf(story);
      return [
        ...all(/"CANCELLED"/, loan, loans),
        ...all(/"installments":\[\]/, schedule),
        ...all(/^400 /, payoff),
        ...all(/"active_loans":\[\]/, statement),
      ];
    },
  },
  {
    operation: 'loan.approve',
    write: (story) => send(story, `/loans/${story.requested.id}/approve`, { method: 'POST' }),
    shows: ({ client, requested }) => {
      const { loan, loans } = pathsOf({ client, loan: requested });
      return all(/"APPROVED"/, loan, loans);
    },
  },
  {
    operation: 'loan.reject',
    write: (story) => send(story, `/loans/${story.requested.id}/reject`, { method: 'POST', body: { reason: 'no' } }),
    shows: ({ client, requested }) => {
      const { loan, loans } = pathsOf({ client, loan: requested });
      return all(/"CANCELLED"/, loan, loans);
    },
  },
  {
    operation: 'loan.disburse',
    before: (story) => send(story, `/loans/${story.requested.id}/approve`, { method: 'POST' }),
    write: (story) => send(story, `/loans/${story.requested.id}/disburse`, { method: 'POST' }),
    shows: ({ client, requested }) => {
      const { loan, loans, schedule, payoff, statement } = pathsOf({ client, loan: requested });
      return all(/"1000\.00"/, loan, loans, schedule, payoff, statement);
    },
  },
];

/** What is changed of a loan that runs. */
const ofRunningLoans: readonly Write[] = [
  {
    operation: 'loan.charge',
    write: (story) => {
      const body = { component: 'fee', amount: 150, reason: 'gastos' };
      return send(story, `/loans/${story.loan.id}/charges`, { method: 'POST', body });
    },
    shows: (story) => all(/"fee":"150\.00"/, pathsOf(story).payoff),
  },
  {
    operation: 'loan.waive',
    write: (story) => {
      const body = { component: 'principal', amount: 100, reason: 'acuerdo' };
      return send(story, `/loans/${story.loan.id}/waivers`, { method: 'POST', body });
    },
    shows: (story) => {
      const { loan, loans, schedule, payoff, statement } = pathsOf(story);
      return all(/"47400\.00"/, loan, loans, schedule, payoff, statement);
    },
  },
  {
    operation: 'loan.reschedule',
    write: (story) => {
      const body = { term: 3, first_due_date: '2090-01-17', reason: 'reestructura' };
      return send(story, `/loans/${story.loan.id}/reschedule`, { method: 'POST', body });
    },
    shows: (story) => all(/"2090-01-17"/, pathsOf(story).schedule),
  },
  {
    operation: 'loan.write_off',
    write: (story) => send(story, `/loans/${story.loan.id}/write-off`, { method: 'POST', body: { reason: 'x' } }),
    shows: (story) => {
      const { loan, loans, statement } = pathsOf(story);
      return [...all(/"WRITTEN_OFF"/, loan, loans), ...all(/"active_loans":\[\]/, statement)];
    },
  },
  {
    operation: 'loan.recover',
    write: async (story) => {
      await send(story, `/loans/${story.loan.id}/write-off`, { method: 'POST', body: { reason: 'x' } });
      return send(story, `/loans/${story.loan.id}/recoveries`, { method: 'POST', body: { amount: 10 } });
    },
    shows: (story) => all(/"WRITTEN_OFF"/, pathsOf(story).loan),
  },
];

const ofProducts: readonly Write[] = [
  {
    operation: 'product.create',
    write: (story) => send(story, '/products', { method: 'POST', body: { code: 'nuevo', name: 'Producto Nuevo' } }),
    shows: () => all(/Producto Nuevo/, ...productPaths('nuevo')),
  },
  {
    operation: 'product.change',
    write: (story) => send(story, `/products/${story.product}`, { method: 'PUT', body: { name: 'Otro Producto' } }),
    shows: ({ product }) => all(/Otro Producto/, ...productPaths(product)),
  },
];

/** Everything that is written over HTTP. */
export const writes: readonly Write[] = [...ofClients, ...ofLoans, ...ofRunningLoans, ...ofProducts];
