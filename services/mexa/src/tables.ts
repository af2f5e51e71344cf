/** The tables as the code sees them after all migrations; timestamps are UTC. */

export type Role = 'admin' | 'cajero' | 'usuario' | 'auditor';
export type ValeState = 'issued' | 'redeemed' | 'void';

export interface UsuarioRow {
  readonly id: number;
  readonly username: string;
  readonly email: string;
  readonly password_hash: string;
  readonly role: Role;
  readonly disabled_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export interface ValeRow {
  readonly id: number;
  readonly user_id: number;
  readonly request_id: string;
  /** A decimal string with two digits behind the point. */
  readonly amount: string;
  readonly description: string | null;
  /** What the description was when it was drawn, where it was changed since: a retry is known by it. */
  readonly drawn_description: string | null;
  readonly was_redescribed: boolean;
  readonly state: ValeState;
  readonly issued_by: number | null;
  readonly created_at: Date;
  readonly redeemed_at: Date | null;
  readonly redeemed_by: number | null;
  readonly redeem_key: string | null;
  readonly voided_at: Date | null;
  readonly voided_by: number | null;
  readonly void_reason: string | null;
  readonly void_key: string | null;
}

export interface MexaTables {
  readonly usuarios: UsuarioRow;
  readonly vales: ValeRow;
}
