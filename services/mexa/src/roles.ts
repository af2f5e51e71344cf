import { defineRoles } from '@quinta/platform/service';

/** Everybody sees their own vouchers; `vale.read_all` and `usuario.read_all` widen that to everybody's. */
const own = ['vale.list', 'vale.find', 'vale.history'] as const;
const allVales = [...own, 'vale.read_all'] as const;
const audit = [
  'audit_log.search',
  'audit_log.find',
  'audit_log.by_request',
  'audit_log.stats',
  'audit_log.export',
  'audit_log.checkpoints',
  'audit_log.consistency',
  'audit_log.proof',
] as const;

export const mexaRoles = defineRoles({
  admin: [
    ...allVales,
    ...audit,
    'vale.issue',
    'vale.issue_batch',
    'vale.describe',
    'vale.redeem',
    'vale.void',
    'vale.delete',
    'usuario.list',
    'usuario.find',
    'usuario.create',
    'usuario.update',
    'usuario.disable',
  ],
  // A clerk issues and redeems; taking back what was issued needs a second pair of eyes.
  cajero: [...allVales, 'vale.issue', 'vale.issue_batch', 'vale.describe', 'vale.redeem'],
  usuario: own,
  auditor: [...allVales, ...audit],
});
