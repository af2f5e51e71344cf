import { type ReadOn, readOn, type WriteOn, writeOn } from '@quinta/platform/database';
import type { Role } from '../auth/role-store.ts';
import type { LegacyColumns } from '../legacy/columns.ts';

/** A member as the tables have them, under names of our own; the later version of them allows null. */
export interface MemberRow {
  readonly id: number | string;
  readonly email: string;
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly birth_date: string | null;
  readonly street: string | null;
  readonly postcode: string | null;
  readonly town: string | null;
  readonly phone: string | null;
  readonly created_at: Date | null;
  readonly updated_at: Date | null;
}

export interface MemberReads {
  readonly find: ReadOn<MemberRow, { id: number }>;
  readonly findWithRole: ReadOn<MemberRow & { readonly role: Role | null }, { id: number }>;
  readonly lock: ReadOn<MemberRow, { id: number }>;
  readonly findByEmail: ReadOn<MemberRow, { email: string; limit: string }>;
  readonly search: ReadOn<MemberRow, { start: string; id: number; upTo: number; limit: string }>;
}

type Texts = Readonly<Record<string, string | number | null>>;

export interface MemberWrites {
  readonly insertUser: WriteOn<never, Texts>;
  readonly insertAccess: WriteOn<never, { email: string; hash: string }>;
  readonly update: WriteOn<never, Texts>;
}

export function memberReads({ users }: LegacyColumns): MemberReads {
  const columns = (asText: (column: string) => string): string => `
    u.${users.id} as id, u.${users.email} as email, u.${users.firstName} as first_name,
    u.${users.lastName} as last_name, ${asText(`u.${users.birthDate}`)} as birth_date, u.${users.street} as street,
    u.${users.postcode} as postcode, u.${users.town} as town, u.${users.phone} as phone,
    u.${users.createdAt} as created_at, u.${users.updatedAt} as updated_at`;

  const find = readOn<MemberRow, { id: number }>(
    'member.find',
    (on) => `select ${columns(on.asText)} from users u where u.${users.id} = :id`,
  );
  const findWithRole = readOn<MemberRow & { readonly role: Role | null }, { id: number }>(
    'member.find_with_role',
    (on) => `
      select ${columns(on.asText)}, r.role as role
        from users u left join member_roles r on r.user_id = u.${users.id}
       where u.${users.id} = :id`,
  );
  const lock = readOn<MemberRow, { id: number }>(
    'member.lock',
    (on) => `select ${columns(on.asText)} from users u where u.${users.id} = :id for update`,
  );
  const findByEmail = readOn<MemberRow, { email: string; limit: string }>(
    'member.find_by_email',
    (on) => `
      select ${columns(on.asText)} from users u
       where ${on.caseless(`u.${users.email}`)} = :email
       order by u.${users.id}
       limit :limit`,
  );
  const search = readOn<MemberRow, { start: string; id: number; upTo: number; limit: string }>(
    'member.search',
    (on) => `
      select ${columns(on.asText)} from users u
       where u.${users.id} <= :upTo
         and (u.${users.id} = :id
           or ${on.caseless(`u.${users.email}`)} like :start
           or ${on.caseless(`u.${users.lastName}`)} like :start
           or ${on.caseless(`u.${users.firstName}`)} like :start)
       order by u.${users.id} desc
       limit :limit`,
  );
  return { find, findWithRole, lock, findByEmail, search };
}

export function memberWrites({ users, access }: LegacyColumns): MemberWrites {
  const insertUser = writeOn<never, Texts>(
    'member.insert',
    () => `
      insert into users (${users.email}, ${users.firstName}, ${users.lastName}, ${users.birthDate}, ${users.street},
          ${users.postcode}, ${users.town}, ${users.phone})
      values (:email, :first_name, :last_name, :date_naissance, :rue, :npa, :localite, :tel)`,
  );
  const insertAccess = writeOn<never, { email: string; hash: string }>(
    'member.insert_access',
    () => `insert into acces_app (${access.email}, ${access.passwordHash}) values (:email, :hash)`,
  );
  const update = writeOn<never, Texts>(
    'member.update',
    (on) => `
      update users
         set ${users.firstName} = :firstName, ${users.lastName} = :lastName, ${users.street} = :street,
             ${users.postcode} = :postcode, ${users.town} = :town, ${users.phone} = :phone,
             ${users.updatedAt} = ${on.now}
       where ${users.id} = :id`,
  );
  return { insertUser, insertAccess, update };
}
