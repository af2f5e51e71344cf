import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineRoles } from './roles.ts';

const table = defineRoles({ admin: ['vale.void', 'vale.issue'], clerk: ['vale.issue'], nobody: [] });

describe('a table of roles', () => {
  it('lets each role do what it names', () => {
    const rights = table.roles.map((role) => [
      role,
      ...table.permissions.filter((permission) => table.can(role, permission)),
    ]);
    expect(rights).toEqual([['admin', 'vale.issue', 'vale.void'], ['clerk', 'vale.issue'], ['nobody']]);
  });

  it('knows who may', () => {
    expect([table.rolesWith('vale.issue'), table.rolesWith('vale.void'), table.rolesWith('vale.print')]).toEqual([
      ['admin', 'clerk'],
      ['admin'],
      [],
    ]);
  });

  it('gives a role that is none nothing, whatever it is called', () => {
    const name = fc.oneof(
      fc.string(),
      fc.constantFrom('constructor', '__proto__', 'toString', 'hasOwnProperty', 'ADMIN', 'admin '),
    );
    fc.assert(
      fc.property(name, fc.constantFrom(...table.permissions, 'constructor', ''), (role, permission) => {
        expect(table.can(role, permission) && !(table.roles as readonly string[]).includes(role)).toBe(false);
      }),
    );
  });
});
