/** Roles are sets of permissions, and permissions are operation names. */
export interface RoleTable<Role extends string = string> {
  readonly roles: readonly Role[];
  can(role: string, permission: string): boolean;
  /** The roles that hold a permission, for the documentation. */
  rolesWith(permission: string): readonly Role[];
  /** Everything that any role holds. */
  readonly permissions: readonly string[];
}

/** `defineRoles({cajero: ['vale.issue', …], auditor: ['audit.search', …]})` */
export function defineRoles<const Table extends Readonly<Record<string, readonly string[]>>>(
  table: Table,
): RoleTable<keyof Table & string> {
  type Role = keyof Table & string;
  const roles = Object.keys(table) as Role[];
  const sets = new Map<string, ReadonlySet<string>>(roles.map((role) => [role, new Set(table[role])]));
  const can = (role: string, permission: string): boolean => sets.get(role)?.has(permission) ?? false;
  return {
    roles,
    can,
    rolesWith: (permission) => roles.filter((role) => can(role, permission)),
    permissions: [...new Set(Object.values(table).flat())].toSorted(),
  };
}
