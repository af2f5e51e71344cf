import { describe, expect, it } from 'vitest';
import { openSmallServer, type SmallServer } from './test/small-server.ts';

const pages = ['/docs', '/redoc'] as const;

/** What a page or a script of ours asks for. */
function addressesIn(text: string): string[] {
  const attributes = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
  const inScripts = [...text.matchAll(/["'](\/[^"']*\.json)["']/g)].map((match) => match[1] ?? '');
  return [...attributes, ...inScripts];
}

async function withDocs<T>(prefix: string, work: (small: SmallServer) => Promise<T>): Promise<T> {
  const small = await openSmallServer({ hasDocs: true, prefix });
  try {
    return await work(small);
  } finally {
    await small.server.close();
  }
}

describe.each([[''], ['/small']])('the documentation under "%s"', (prefix) => {
  it.each(pages)('%s asks for its own parts only, and each of them answers', async (page) => {
    await withDocs(prefix, async ({ server }) => {
      const html = await server.inject(`${prefix}${page}`);
      expect(html.statusCode).toBe(200);
      expect(html.headers['content-type']).toBe('text/html; charset=utf-8');
      const start = await server.inject(`${prefix}${page}/start.js`);
      expect(start.statusCode).toBe(200);
      expect(`${html.body}${start.body}`).not.toMatch(/\/\/|http/i);
      const asked = [...addressesIn(html.body), ...addressesIn(start.body)];
      expect(asked).toContain(`${prefix}/openapi.json`);
      expect(asked.filter((address) => !address.startsWith(`${prefix}/`))).toEqual([]);
      for (const address of asked) {
        const part = await server.inject(address);
        expect([address, part.statusCode]).toEqual([address, 200]);
        expect(part.body.length).toBeGreaterThan(50);
        expect(part.headers['content-type']).toMatch(/javascript|css|json/);
        expect(part.headers['x-content-type-options']).toBe('nosniff');
      }
    });
  });

  it('may load nothing from elsewhere, by its policy', async () => {
    await withDocs(prefix, async ({ server }) => {
      for (const page of pages) {
        const policy = String((await server.inject(`${prefix}${page}`)).headers['content-security-policy']);
        expect(policy).toContain("default-src 'none'");
        expect(policy).toContain("script-src 'self';");
        expect(policy).not.toMatch(/https?:|\*|unsafe-eval/);
      }
    });
  });
});

describe('documentation that is switched off', () => {
  it.each([...pages, '/openapi.json', '/docs/start.js', '/docs/swagger-ui.css'])('has no %s', async (path) => {
    const small = await openSmallServer();
    expect((await small.server.inject(path)).statusCode).toBe(404);
    await small.server.close();
  });
});

describe('a file that is no part of the documentation', () => {
  it.each(['/docs/index.html', '/docs/../package.json', '/docs/%2e%2e/package.json', '/docs/..%2fpackage.json'])(
    'is not served as %s',
    async (path) => {
      await withDocs('', async ({ server }) => {
        expect((await server.inject(path)).statusCode).toBe(404);
      });
    },
  );
});
