import { type Db, readOn, type Tx, writeOn } from '@quinta/platform/database';

export type Role = 'member' | 'staff';

/** Who is staff; everybody else is a member. */
export interface RoleStore {
  find(db: Db, id: number): Promise<Role>;
  /** Whether it was another one before. */
  give(tx: Tx, id: number, role: Role): Promise<boolean>;
}

const find = readOn<{ readonly role: Role }, { id: number }>(
  'role.find',
  () => 'select role from member_roles where user_id = :id',
);

const grant = writeOn<never, { id: number }>(
  'role.grant',
  (on) => `
    insert into member_roles (user_id, role, granted_at) values (:id, 'staff', ${on.now})
    ${on.overwriting(['user_id'], ['role'])}`,
);

const take = writeOn<never, { id: number }>('role.take', () => 'delete from member_roles where user_id = :id');

export const roleStore: RoleStore = {
  find: async (db, id) => (await find(db, { id }))[0]?.role ?? 'member',
  give: async (tx, id, role) => {
    const before = (await find(tx, { id }))[0]?.role ?? 'member';
    if (before === role) return false;
    await (role === 'staff' ? grant(tx, { id }) : take(tx, { id }));
    return true;
  },
};
