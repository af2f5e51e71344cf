import type { Migration } from '@quinta/platform/database';

export const migration: Migration = {
  why: 'A voucher is issued, then redeemed or void, once; and an amount is positive.',

  async up({ run }) {
    await run(`
      alter table vales
        add column state varchar(10) not null default 'issued',
        add column issued_by integer constraint vales_issued_by_fkey references usuarios (id),
        add column redeemed_at timestamp,
        add column redeemed_by integer constraint vales_redeemed_by_fkey references usuarios (id),
        add column redeem_key uuid,
        add column voided_at timestamp,
        add column voided_by integer constraint vales_voided_by_fkey references usuarios (id),
        add column void_reason varchar(255),
        add column void_key uuid,
        add column drawn_description varchar(255),
        add column was_redescribed boolean not null default false,
        add column has_legacy_amount boolean not null default false`);
    // The earlier system had no rule about amounts: what it wrote stays, and only new vouchers must be positive.
    await run('update vales set has_legacy_amount = true where not (amount > 0 and amount <= 99999999.99)');
    await run(`
      alter table vales
        add constraint ck_vales_amount check ((amount > 0 and amount <= 99999999.99) or has_legacy_amount),
        add constraint ck_vales_state check (state in ('issued', 'redeemed', 'void')),
        add constraint ck_vales_redeemed check (
          (state = 'redeemed') = (redeemed_at is not null) and (redeemed_at is null) = (redeemed_by is null)),
        add constraint ck_vales_void check (
          (state = 'void') = (voided_at is not null)
          and (voided_at is null) = (voided_by is null)
          and (voided_at is null) = (void_reason is null))`);
    await run(vigilance);
    await run(`
      create trigger tr_vales_vigilance before update or delete on vales
        for each row execute function vales_vigilance()`);
    await run(`
      create trigger tr_vales_no_truncate before truncate on vales
        for each statement execute function vales_vigilance()`);
    await run(`
      create trigger tr_vales_no_new_legacy before insert on vales
        for each row when (new.has_legacy_amount) execute function vales_vigilance()`);
  },

  async down({ run }) {
    for (const trigger of ['vigilance', 'no_truncate', 'no_new_legacy']) {
      await run(`drop trigger tr_vales_${trigger} on vales`);
    }
    await run('drop function vales_vigilance()');
    await run(`
      alter table vales
        drop column state, drop column issued_by, drop column redeemed_at, drop column redeemed_by,
        drop column redeem_key, drop column voided_at, drop column voided_by, drop column void_reason,
        drop column void_key, drop column drawn_description, drop column was_redescribed,
        drop column has_legacy_amount`);
  },
};

/** What no UPDATE may do, whoever sends it. */
const vigilance = `
  create function vales_vigilance() returns trigger language plpgsql as $$
  begin
    if tg_op = 'TRUNCATE' or tg_op = 'DELETE' then
      raise exception 'vales are never deleted: void them' using errcode = '23514', constraint = 'tr_vales_no_delete';
    end if;
    if tg_op = 'INSERT' then
      raise exception 'only a migration marks an amount as legacy'
        using errcode = '23514', constraint = 'tr_vales_no_new_legacy';
    end if;
    if old.state <> 'issued' and
       (new.state, new.redeemed_at, new.redeemed_by, new.redeem_key,
        new.voided_at, new.voided_by, new.void_reason, new.void_key)
       is distinct from
       (old.state, old.redeemed_at, old.redeemed_by, old.redeem_key,
        old.voided_at, old.voided_by, old.void_reason, old.void_key) then
      raise exception 'vale % is % and stays so', old.id, old.state
        using errcode = '23514', constraint = 'tr_vales_state_is_final';
    end if;
    if (new.id, new.user_id, new.request_id, new.amount, new.created_at, new.issued_by, new.has_legacy_amount)
       is distinct from
       (old.id, old.user_id, old.request_id, old.amount, old.created_at, old.issued_by, old.has_legacy_amount)
       or old.was_redescribed and (not new.was_redescribed or new.drawn_description is distinct from old.drawn_description) then
      raise exception 'only the description and the state of vale % may change', old.id
        using errcode = '23514', constraint = 'tr_vales_immutable';
    end if;
    return new;
  end $$`;
