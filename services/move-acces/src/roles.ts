import { defineRoles } from '@quinta/platform/service';

/** Members see what is theirs, which needs no permission; the staff of the club see the members. */
export const moveAccesRoles = defineRoles({
  member: [],
  staff: [
    'access.check',
    'admin.members',
    'admin.member',
    'admin.sessions',
    'admin.end_session',
    'admin.end_sessions',
    'admin.abonnements',
    'admin.audit',
    'audit_log.checkpoints',
    'audit_log.consistency',
    'audit_log.proof',
  ],
});
