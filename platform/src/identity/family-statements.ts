import { readOn, type SqlWords, type Tx, writeOn } from '../database/index.ts';

export interface FamilyRow {
  readonly family_id: string;
  readonly subject: string;
  readonly expires_at: Date;
}

export interface SessionRow {
  readonly id: string;
  readonly created_at: Date;
  readonly last_used_at: Date;
  readonly expires_at: Date;
  readonly user_agent: string;
  readonly address: string;
}

/** Why a token was not rotated; `successor_expires_at` where it is `replayed`. */
export interface RefusalRow {
  readonly family_id: string;
  readonly subject: string;
  readonly refusal: 'revoked' | 'expired' | 'reused' | 'replayed';
  readonly replaced_by: Buffer | null;
  readonly successor_expires_at: Date | null;
}

export interface RotationParams extends Readonly<Record<string, unknown>> {
  readonly parent: Buffer;
  readonly successor: Buffer;
  readonly userAgent: string;
  readonly address: string;
  readonly idleSeconds: number;
}

export const findToken = readOn<FamilyRow, { token: Buffer }>(
  'session.find_token',
  () => `
    select t.family_id, f.subject, t.expires_at
      from refresh_tokens t
      join refresh_families f on f.id = t.family_id
     where t.token_hash = :token`,
);

interface BeginParams extends Readonly<Record<string, unknown>> {
  readonly id: string;
  readonly subject: string;
  readonly token: Buffer;
  readonly absoluteSeconds: number;
  readonly idleSeconds: number;
  readonly userAgent: string;
  readonly address: string;
}

const familyOf = (on: SqlWords): string => `
  insert into refresh_families (id, subject, created_at, last_used_at, absolute_expires_at, user_agent, address)
  values (:id, :subject, ${on.now}, ${on.now}, ${on.after(':absoluteSeconds')}, :userAgent, :address)`;

/** PostgreSQL: a sign-in is one statement. */
const beginWhole = writeOn<FamilyRow, BeginParams>(
  'session.begin',
  (on) => `
    with family as (${familyOf(on)}
      returning id, subject, absolute_expires_at
    ), token as (
      insert into refresh_tokens (token_hash, family_id, live_family_id, issued_at, expires_at)
      select ${on.asBytes(':token')}, id, id, ${on.now}, least(${on.after(':idleSeconds')}, absolute_expires_at)
        from family
      returning family_id, expires_at
    )
    select t.family_id, f.subject, t.expires_at from token t join family f on f.id = t.family_id`,
);

const insertFamily = writeOn<never, BeginParams>('session.begin', familyOf);

const insertToken = writeOn<never, BeginParams>(
  'session.issue_token',
  (on) => `
    insert into refresh_tokens (token_hash, family_id, live_family_id, issued_at, expires_at)
    select ${on.asBytes(':token')}, f.id, f.id, ${on.now}, least(${on.after(':idleSeconds')}, f.absolute_expires_at)
      from refresh_families f
     where f.id = :id`,
);

/** A new family with its first token. */
export async function beginFamily(tx: Tx, params: BeginParams): Promise<FamilyRow> {
  const row = tx.dialect.hasReturning ? (await beginWhole(tx, params)).rows[0] : await beginInSteps(tx, params);
  if (!row) throw new Error('The refresh token that was just stored is not there');
  return row;
}

async function beginInSteps(tx: Tx, params: BeginParams): Promise<FamilyRow | undefined> {
  await insertFamily(tx, params);
  await insertToken(tx, params);
  return (await findToken(tx, { token: params.token }))[0];
}

/** What a token must be to be rotated. The database decides it once, under the locks of family and token. */
const isRotatable = (now: string): string => `
  t.token_hash = :parent and t.used_at is null and t.expires_at > ${now}
  and f.revoked_at is null and f.absolute_expires_at > ${now}`;

/**
 * PostgreSQL: the whole rotation is one statement. Who comes second waits for the locks, finds the token used, and gets
 * no row. The family is locked before the token here and wherever both are written.
 */
const rotateWhole = writeOn<FamilyRow, RotationParams>(
  'session.rotate',
  (on) => `
    with open_session as (
      select f.id, f.subject, f.absolute_expires_at
        from refresh_tokens t
        join refresh_families f on f.id = t.family_id
       where ${isRotatable(on.now)}
         for no key update of f, t
    ), parent as (
      update refresh_tokens t
         set used_at = ${on.now}, replaced_by = :successor, live_family_id = null
        from open_session
       where t.token_hash = :parent
      returning open_session.id, open_session.subject, open_session.absolute_expires_at
    ), family as (
      update refresh_families f
         set last_used_at = ${on.now}, user_agent = :userAgent, address = :address
        from open_session
       where f.id = open_session.id
    ), successor as (
      insert into refresh_tokens (token_hash, family_id, live_family_id, issued_at, expires_at)
      select :successor, id, id, ${on.now}, least(${on.after(':idleSeconds')}, absolute_expires_at)
        from parent
      returning family_id, expires_at
    )
    select family_id, subject, expires_at from successor join parent on parent.id = family_id`,
);

/** MySQL and MariaDB: one UPDATE over both tables decides, and what follows only writes down what was decided. */
const claimParent = writeOn<never, RotationParams>(
  'session.rotate',
  (on) => `
    update refresh_tokens t
      join refresh_families f on f.id = t.family_id
       set t.used_at = ${on.now}, t.replaced_by = :successor, t.live_family_id = null,
           f.last_used_at = ${on.now}, f.user_agent = :userAgent, f.address = :address
     where ${isRotatable(on.now)}`,
);

const insertSuccessor = writeOn<never, RotationParams>(
  'session.issue_successor',
  (on) => `
    insert into refresh_tokens (token_hash, family_id, live_family_id, issued_at, expires_at)
    select :successor, f.id, f.id, ${on.now}, least(${on.after(':idleSeconds')}, f.absolute_expires_at)
      from refresh_tokens t
      join refresh_families f on f.id = t.family_id
     where t.token_hash = :parent`,
);

/** Marks the parent used and stores its successor, or does nothing and returns undefined. */
export async function rotateToken(tx: Tx, params: RotationParams): Promise<FamilyRow | undefined> {
  if (tx.dialect.hasReturning) return (await rotateWhole(tx, params)).rows[0];
  const claimed = await claimParent(tx, params);
  if (claimed.affected === 0) return undefined;
  await insertSuccessor(tx, params);
  return (await findToken(tx, { token: params.successor }))[0];
}

interface ProlongParams extends Readonly<Record<string, unknown>> {
  readonly token: Buffer;
  readonly userAgent: string;
  readonly address: string;
  readonly idleSeconds: number;
}

const touchFamily = writeOn<never, ProlongParams>(
  'session.prolong',
  (on) => `
    update refresh_families
       set last_used_at = ${on.now}, user_agent = :userAgent, address = :address
     where revoked_at is null and absolute_expires_at > ${on.now}
       and id = (select t.family_id from refresh_tokens t
                  where t.token_hash = :token and t.used_at is null and t.expires_at > ${on.now})`,
);

const extendToken = writeOn<never, ProlongParams>(
  'session.extend_token',
  (on) => `
    update refresh_tokens
       set expires_at = least(${on.after(':idleSeconds')},
             (select f.absolute_expires_at from refresh_families f where f.id = family_id))
     where token_hash = :token and used_at is null`,
);

/** Begins the idle time of a live token again, or does nothing and returns undefined. */
export async function prolongToken(tx: Tx, params: ProlongParams): Promise<FamilyRow | undefined> {
  const touched = await touchFamily(tx, params);
  if (touched.affected === 0) return undefined;
  const extended = await extendToken(tx, params);
  return extended.affected === 0 ? undefined : (await findToken(tx, { token: params.token }))[0];
}

/**
 * Why a token was not rotated. Grace is for the direct parent of a token that nobody has used yet: once the successor
 * was used, whoever shows the parent holds a copy.
 */
export const findRefusal = readOn<RefusalRow, { parent: Buffer; graceSeconds: number }>(
  'session.find_refusal',
  (on) => `
    select t.family_id, f.subject, t.replaced_by, s.expires_at as successor_expires_at,
           case
             when f.revoked_at is not null then 'revoked'
             when f.absolute_expires_at <= ${on.now} or t.used_at is null then 'expired'
             when t.used_at < ${on.before(':graceSeconds')} or s.token_hash is null or s.used_at is not null then 'reused'
             when s.expires_at <= ${on.now} then 'expired'
             else 'replayed'
           end as refusal
      from refresh_tokens t
      join refresh_families f on f.id = t.family_id
      left join refresh_tokens s on s.token_hash = t.replaced_by
     where t.token_hash = :parent`,
);

export const revokeFamily = writeOn<never, { id: string; reason: string }>(
  'session.revoke',
  (on) => `
    update refresh_families
       set revoked_at = ${on.now}, revoked_reason = :reason
     where id = :id and revoked_at is null`,
);

/** Locks what is about to be revoked, so that the ids that are told are the ones that ended. */
export const lockLiveFamilies = readOn<{ id: string }, { subject: string; except: string }>(
  'session.lock_all',
  () => `
    select id from refresh_families
     where subject = :subject and revoked_at is null and id <> :except
     order by id for update`,
);

/** `ids` is a list with commas; the subject stands here for its index. */
export const revokeFamilies = writeOn<never, { subject: string; ids: string; reason: string }>(
  'session.revoke_all',
  (on) => `
    update refresh_families
       set revoked_at = ${on.now}, revoked_reason = :reason
     where subject = :subject and revoked_at is null and ${on.isListed('id', ':ids')}`,
);

export const listSessions = readOn<SessionRow, { subject: string; limit: string }>(
  'session.list',
  (on) => `
    select f.id, f.created_at, f.last_used_at, t.expires_at, f.user_agent, f.address
      from refresh_families f
      join refresh_tokens t on t.live_family_id = f.id
     where f.subject = :subject and f.revoked_at is null and t.expires_at > ${on.now}
     order by f.last_used_at desc, f.id
     limit :limit`,
);

export const findLive = readOn<{ id: string }, { id: string }>(
  'session.is_live',
  (on) => `
    select id from refresh_families
     where id = :id and revoked_at is null and absolute_expires_at > ${on.now}`,
);

// The inner table in brackets is for MySQL, which takes no LIMIT directly inside IN.
export const purgeTokens = writeOn<never, { keepSeconds: number; limit: string }>(
  'session.purge_tokens',
  (on) => `
    delete from refresh_tokens where token_hash in (select token_hash from (
      select token_hash from refresh_tokens
       where expires_at < ${on.before(':keepSeconds')} order by expires_at limit :limit) expired)`,
);

export const purgeFamilies = writeOn<never, { keepSeconds: number; limit: string }>(
  'session.purge_families',
  (on) => `
    delete from refresh_families where id in (select id from (
      select f.id from refresh_families f
       where f.absolute_expires_at < ${on.before(':keepSeconds')}
         and not exists (select 1 from refresh_tokens t where t.family_id = f.id)
       order by f.absolute_expires_at limit :limit) ended)`,
);
