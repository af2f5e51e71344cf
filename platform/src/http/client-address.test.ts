import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressReader, limitKeyOf } from './client-address.ts';
import { openSmallServer } from './test/small-server.ts';

const inside = ['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '2001:db8::1'];

describe('the address of a client', () => {
  it.each([
    ['the socket alone', '203.0.113.9', undefined, '203.0.113.9'],
    ['a stranger who forwards himself', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['one trusted proxy', '10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['a trusted single address', '192.0.2.7', '198.51.100.1', '198.51.100.1'],
    ['its neighbour, who is not', '192.0.2.8', '198.51.100.1', '192.0.2.8'],
    ['the right-most untrusted hop of many', '10.1.2.3', '6.6.6.6, 198.51.100.1, 10.9.9.9', '198.51.100.1'],
    ['all hops trusted: the left-most', '10.1.2.3', '10.0.0.1, 10.0.0.2', '10.0.0.1'],
    ['no hop', '10.1.2.3', '', '10.1.2.3'],
    ['empty hops', '10.1.2.3', ' , ,', '10.1.2.3'],
    ['garbage at the right', '10.1.2.3', '198.51.100.1, unknown', '10.1.2.3'],
    ['garbage left of a client', '10.1.2.3', '<script>, 198.51.100.1', '198.51.100.1'],
    ['garbage left of a proxy of ours', '10.1.2.3', 'unknown, 10.0.0.2', '10.0.0.2'],
    ['an IPv6 client', '10.1.2.3', '2001:db8:5::9', '2001:db8:5::9'],
    ['an IPv6 proxy', 'fd00::5', '198.51.100.1', '198.51.100.1'],
    ['an IPv6 client in brackets with a port', '10.1.2.3', '[2001:db8:5::9]:443', '2001:db8:5::9'],
    ['an IPv4 client with a port', '10.1.2.3', '198.51.100.1:5000', '198.51.100.1'],
    ['a mapped socket', '::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['a mapped client', '10.1.2.3', '::ffff:198.51.100.1', '198.51.100.1'],
    ['a mapped client in hexadecimal', '10.1.2.3', '::ffff:c633:6401', '198.51.100.1'],
    ['a mapped client written out', '10.1.2.3', '0:0:0:0:0:ffff:c633:6401', '198.51.100.1'],
    ['an IPv6 client that is not mapped', '10.1.2.3', '::fffe:c633:6401', '::fffe:c633:6401'],
    ['a mapped socket that is not trusted', '::ffff:203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['no socket address', undefined, '198.51.100.1', ''],
    ['more hops than anybody has', '10.1.2.3', `6.6.6.6${', 10.0.0.1'.repeat(100)}`, '10.0.0.1'],
  ])('is right for %s', (_, socket, forwarded, expected) => {
    expect(addressReader(inside)(socket, forwarded)).toBe(expected);
  });

  it.each([
    ['10.0.0.0/33'],
    ['10.0.0.0/-1'],
    ['10.0.0.0/x'],
    ['proxy.example'],
    ['fd00::/129'],
    [''],
    ['10.0.0.0/8.5'],
  ])('refuses %j as a proxy, by the name of its variable', (entry) => {
    expect(() => addressReader([entry])).toThrow(`TRUST_PROXY holds "${entry}"`);
  });

  it('is never what a client behind no trusted proxy says, whatever it says', () => {
    const read = [addressReader([]), addressReader(inside)];
    const header = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.string(),
      fc.array(fc.ipV4()).map((hops) => hops.join(', ')),
    );
    fc.assert(
      fc.property(fc.constantFrom(...read), header, (reader, forwarded) => {
        expect(reader('203.0.113.9', forwarded)).toBe('203.0.113.9');
      }),
      { numRuns: 10_000 },
    );
  });

  it('is never left of the right-most untrusted hop', () => {
    fc.assert(
      fc.property(fc.array(fc.ipV4(), { maxLength: 5 }), (forged) => {
        const forwarded = [...forged, '198.51.100.1', '10.0.0.2'].join(', ');
        expect(addressReader(inside)('10.1.2.3', forwarded)).toBe('198.51.100.1');
      }),
    );
  });

  it('stays the same through 10,000 forged headers, for the limits as for the handler', async () => {
    const small = await openSmallServer();
    const keys = new Set<string>();
    for (let forged = 0; forged < 10_000; forged++) {
      const headers = { 'x-forwarded-for': `198.51.${forged >> 8}.${forged & 255}`, forwarded: 'for=1.2.3.4' };
      const answer = await small.server.inject({ url: '/api/limited', remoteAddress: '203.0.113.9', headers });
      if (answer.statusCode !== 204) throw new Error(`answered ${answer.statusCode}`);
      keys.add(small.limitKeys.at(-1) ?? '');
    }
    expect([...keys]).toEqual(['203.0.113.9']);
    expect(small.limitKeys.length).toBe(10_000);
    await small.server.close();
  });

  it('is what a trusted proxy says', async () => {
    const small = await openSmallServer({ server: { trustProxy: ['10.0.0.0/8'] } });
    const headers = { 'x-forwarded-for': '6.6.6.6, 2001:db8:0:7:a::1' };
    await small.server.inject({ url: '/api/limited', remoteAddress: '10.1.1.1', headers });
    expect(small.limitKeys).toEqual(['2001:db8:0:7::/64']);
    const who = await small.server.inject({ url: '/api/who', remoteAddress: '10.1.1.1', headers });
    expect(who.json()).toMatchObject({ address: '2001:db8:0:7:a::1' });
    await small.server.close();
  });
});

describe('the key of a limit', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:0db8:0000:0000::1', '2001:db8:0:0::/64'],
    ['2001:DB8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', ''],
  ])('of %s is %s', (address, key) => {
    expect(limitKeyOf(address)).toBe(key);
  });

  it('is one for a whole /64, however it is written, and another for the next', () => {
    const tail = fc.array(fc.integer({ min: 0, max: 0xff_ff }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(tail, (groups) => {
        const hex = groups.map((group) => group.toString(16));
        const padded = hex.map((group) => group.padStart(4, '0').toUpperCase());
        expect(limitKeyOf(`2001:db8:1:2:${hex.join(':')}`)).toBe('2001:db8:1:2::/64');
        expect(limitKeyOf(`2001:0DB8:0001:0002:${padded.join(':')}`)).toBe('2001:db8:1:2::/64');
        expect(limitKeyOf(`2001:db8:1:3:${hex.join(':')}`)).toBe('2001:db8:1:3::/64');
      }),
    );
  });
});
