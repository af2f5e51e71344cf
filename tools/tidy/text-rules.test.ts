import { ruleSuite } from './rule-suite.ts';

// Put together here, so that the rules do not find them in this file.
const dashes = '-'.repeat(5);
const privateKey = `${dashes}BEGIN PRIVATE KEY${dashes}\nMC4CAQAwBQYDK2VwBCIEIA`;
const awsKey = `AKIA${'Q'.repeat(16)}`;
const longHex = '0123456789abcdef'.repeat(4);
const [work, home, root] = ['work', 'home', 'root'].map((name) => `/${name}`);

ruleSuite('secrets', {
  breaks: {
    'keys and tokens': {
      files: {
        'docs/setup.md': `Use ${awsKey}`,
        'deploy/key.yml': `key: |\n${privateKey}`,
        'services/mexa/src/a.ts': `const jwtSecret = '${longHex}';`,
        'deploy/compose.yml': `\nMP_ACCESS_TOKEN: "${longHex}"`,
      },
      at: ['docs/setup.md:1', 'deploy/key.yml:2', 'services/mexa/src/a.ts:1', 'deploy/compose.yml:2'],
    },
  },
  keeps: {
    'names, short examples, digests, and the head of a key in a parser': {
      'a.ts': [
        "const secretName = 'the-name-of-the-secret-in-the-vault-of-production';",
        "const password = 'correct horse battery staple 1234567890';",
        `const digest = '${longHex}';`,
        `const head = '${dashes}BEGIN PRIVATE KEY${dashes}';`,
      ].join('\n'),
    },
  },
});

ruleSuite('machine-paths', {
  breaks: {
    "one machine's folders": {
      files: { 'README.md': `cd ${work}/main\ncd ${home}/maria/quinta`, 'a.ts': `const log = '${root}/x.log';` },
      at: ['README.md:1', 'README.md:2', 'a.ts:1'],
    },
  },
  keeps: {
    'paths of a site, of this tree, and of every machine': {
      'README.md': 'https://example.com/work/a docs/work/a.md /tmp/root/ ./work/x',
      'a.ts': "const route = '/v1/work/7'; const dir = `${base}/root/x`;",
    },
  },
});

ruleSuite('links', {
  breaks: {
    'links to nothing': {
      files: {
        'README.md': '# Quinta\n[a](docs/a.md)\n[b](docs/b.md#no-such)\n[c](#none)',
        'docs/b.md': '# B\n[up](../NOTHING.md)',
      },
      at: ['README.md:2', 'README.md:3', 'README.md:4', 'docs/b.md:2'],
    },
  },
  keeps: {
    'links to files, folders, headings and other sites': {
      'README.md': [
        '# Quinta, the house',
        '[b](docs/b.md#two-words-and-code) [self](#quinta-the-house) [folder](docs/) [line](a.ts#L3)',
        '[site](https://example.com/x.md) [mail](mailto:a@example.com) `[code](nothing.md)`',
        '```\n[code](nothing.md)\n```',
      ].join('\n'),
      'docs/b.md': '# B\n## Two words and `code`\n[home](../README.md "the start") [root](/a.ts)',
      'a.ts': '',
    },
  },
});

ruleSuite('decision-length', {
  breaks: {
    'a decision that rambles': {
      files: { 'docs/decisions/0001-node.md': 'word\n'.repeat(61) },
      at: ['docs/decisions/0001-node.md:60'],
    },
  },
  keeps: {
    'a short decision, and a long guide': {
      'docs/decisions/0001-node.md': 'word\n'.repeat(60),
      'docs/guide.md': 'word\n'.repeat(61),
    },
  },
});
