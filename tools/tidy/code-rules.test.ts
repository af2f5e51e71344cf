import { ruleSuite } from './rule-suite.ts';

const lines = (count: number): string => 'export {};\n'.repeat(count);

ruleSuite('environment', {
  breaks: {
    'every way to the environment': {
      files: {
        'services/mexa/src/a.ts': "\nconst port = process.env['PORT'];",
        'platform/src/http/a.ts': "import { env } from 'node:process';",
        'platform/src/http/b.ts': 'const { env } = process;',
        'apps/cli/src/main.ts': 'const all = { ...process.env };',
      },
      at: [
        'services/mexa/src/a.ts:2',
        'platform/src/http/a.ts:1',
        'platform/src/http/b.ts:1',
        'apps/cli/src/main.ts:1',
      ],
    },
  },
  keeps: {
    'the reader of the configuration, and what is no service': {
      'platform/src/config/environment.ts': 'export const all = process.env;',
      'platform/src/testing/servers.ts': 'export const all = process.env;',
      'services/mexa/test/story.test.ts': 'export const all = process.env;',
      'tools/check.ts': 'export const all = process.env;',
      'vitest.config.ts': 'export const all = process.env;',
      'apps/cli/bin/quinta.mjs': 'export const all = process.env;',
    },
    'words about the environment': {
      'platform/src/http/a.ts': "// process.env is not for us\nconst a = 'process.env';",
    },
  },
});

ruleSuite('exports', {
  breaks: {
    'exports without a name': {
      files: {
        'platform/src/http/index.ts': "export * from './a.ts';\nexport * as b from './b.ts';",
        'platform/src/http/a.ts': 'export default function a(): void {}',
        'platform/src/http/b.ts': 'const b = 1;\nexport { b as default };',
      },
      at: ['platform/src/http/index.ts:1', 'platform/src/http/index.ts:2'].concat([
        'platform/src/http/a.ts:1',
        'platform/src/http/b.ts:2',
      ]),
    },
  },
  keeps: {
    'names, and the default of a configuration file': {
      'platform/src/http/index.ts': "export { a, type B } from './a.ts';",
      'vitest.config.ts': 'export default {};',
    },
  },
});

ruleSuite('file-names', {
  breaks: {
    'names that say nothing, as file and as folder': {
      files: { 'platform/src/utils.ts': '', 'services/mexa/src/helpers/a.ts': '', 'docs/common.md': '' },
      at: ['platform/src/utils.ts:1', 'services/mexa/src/helpers/a.ts:1', 'docs/common.md:1'],
    },
  },
  keeps: { 'names that say something': { 'platform/src/common-law.ts': '', 'docs/utilities.md': '' } },
});

ruleSuite('file-length', {
  breaks: {
    'one line too many': { files: { 'a.ts': lines(301), '.ci/run': lines(301) }, at: ['a.ts:301', '.ci/run:301'] },
  },
  keeps: { 'a full file, and long prose': { 'a.ts': lines(300), 'README.md': lines(1000), 'a.json': lines(1000) } },
});

ruleSuite('unfinished', {
  breaks: {
    'marks in comments': {
      files: { 'a.ts': '// TODO: more\nexport {};\n/* FIXME */\n/** XXX why */' },
      at: ['a.ts:1', 'a.ts:3', 'a.ts:4'],
    },
  },
  keeps: { 'the words in code, and other words': { 'a.ts': "export const TODO = 'TODO'; // TODOS los vales, todo" } },
});

ruleSuite('suppressions', {
  breaks: {
    'silence without a rule or a reason': {
      files: {
        'a.ts': [
          '// @ts-ignore because the types of this library are wrong',
          '// @ts-expect-error',
          '// oxlint-disable-next-line no-console',
          '// oxlint-disable -- because it is loud in here',
          '// eslint-disable-next-line no-console -- loud',
          '/* v8 ignore next */',
          '// oxfmt-ignore',
        ].join('\n'),
      },
      at: ['a.ts:1', 'a.ts:2', 'a.ts:3', 'a.ts:4', 'a.ts:5', 'a.ts:6', 'a.ts:7'],
    },
  },
  keeps: {
    'silence with a rule and a reason': {
      'a.ts': [
        '// @ts-expect-error -- the types of nano 11 leave out `purge`',
        '// oxlint-disable-next-line eslint/no-console -- the launcher has no log yet',
        '/* v8 ignore next -- only reached on macOS */',
        "export const text = '@ts-ignore';",
      ].join('\n'),
    },
  },
});

ruleSuite('casts', {
  breaks: {
    'what switches the types off': {
      files: {
        'a.ts': [
          'export const a = JSON.parse("1") as any;',
          'export const b = [1].at(0)!;',
          'let c!: number;',
          'class D { e!: number; }',
          'export const f = b as unknown as string;',
        ].join('\n'),
      },
      at: ['a.ts:1', 'a.ts:2', 'a.ts:3', 'a.ts:4', 'a.ts:5'],
    },
  },
  keeps: {
    'casts that are explained, and plain ones': {
      'a.ts': [
        '// The driver hands over rows as unknown; the statement says what is in them.',
        'export const a = rows as unknown as Row[];',
        'export const b = rows as unknown as Row[]; // as above',
        '/** What the rows really are. */',
        'export function rowsOf(rows: unknown): Row[] {',
        '  return rows as unknown as Row[];',
        '}',
        'export const c = d as string;',
        'export const e = !f;',
      ].join('\n'),
    },
  },
});
