import { defineRoles } from '@quinta/platform/service';

const audit = [
  'audit_log.search',
  'audit_log.checkpoints',
  'audit_log.consistency',
  'audit_log.proof',
  'event.list',
  'ledger.trial_balance',
  'report.portfolio',
  'report.reserves',
  'report.collection',
] as const;
const cashier = ['payment.register', 'loan.recover', 'report.collection'] as const;
const officer = [
  ...cashier,
  'client.create',
  'client.update',
  'loan.grant',
  'loan.approve',
  'loan.reject',
  'loan.disburse',
  'loan.charge',
  'event.list',
] as const;
const admin = [
  ...officer,
  ...audit,
  'client.delete',
  'product.create',
  'product.change',
  'loan.cancel',
  'loan.set_status',
  'loan.waive',
  'loan.reschedule',
  'loan.write_off',
  'payment.reverse',
] as const;

/** Reading needs no permission of its own: who is signed in may read. */
export const sofipoRoles = defineRoles({
  admin,
  officer,
  cashier,
  auditor: audit,
});
