import { BlockList, isIP } from 'node:net';

/** Says who the client is, given the socket's address and the forwarded header. */
export type AddressReader = (socketAddress: string | undefined, forwardedFor: string | undefined) => string;

const hopsMax = 32;
/** IPv4 as nearly every socket has it: nothing to fold. */
const plainAddress = /^[\d.]+$/;

/**
 * The client's address behind proxies: the right-most hop of `X-Forwarded-For` that is not a trusted proxy. Without a
 * trusted proxy in front no header is believed.
 * @param trusted CIDRs or single addresses; throws a TypeError for anything else
 */
export function addressReader(trusted: readonly string[]): AddressReader {
  const proxies = blockListOf(trusted);
  const isTrusted = (address: string): boolean => proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  return (socketAddress, forwardedFor) => {
    const nearest = folded(socketAddress ?? '');
    if (trusted.length === 0 || !forwardedFor || !isIP(nearest) || !isTrusted(nearest)) return nearest;
    let client = nearest;
    for (const hop of forwardedFor.split(',').slice(-hopsMax).toReversed()) {
      const address = folded(hop.trim());
      if (!isIP(address)) break; // what stands left of nonsense was not written by a proxy of ours
      client = address;
      if (!isTrusted(address)) break;
    }
    return client;
  };
}

/** The key that limits count by: an IPv4 address, or the /64 that one IPv6 customer holds. */
export function limitKeyOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail = ''] = address.split('%')[0]?.split('::') ?? [];
  const left = head.split(':').filter(Boolean);
  const right = tail.split(':').filter(Boolean);
  const missing = address.includes('::')
    ? Array.from({ length: Math.max(8 - left.length - right.length, 0) }, () => '0')
    : [];
  const groups = [...left, ...missing, ...right].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${groups.join(':')}::/64`;
}

/** `::ffff:10.0.0.1` is 10.0.0.1; brackets and a port, as some proxies write them, are dropped. */
function folded(address: string): string {
  if (plainAddress.test(address)) return address;
  const bare = /^\[(.+)\](?::\d+)?$/.exec(address)?.[1] ?? /^([\d.]+):\d+$/.exec(address)?.[1] ?? address;
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? unmapped(bare) ?? bare;
}

/** `::ffff:a00:1` is 10.0.0.1 as well, spelt as IPv6 alone. */
function unmapped(address: string): string | undefined {
  const [, high, low] = /^(?:::|(?:0{1,4}:){5})ffff:([\da-f]{1,4}):([\da-f]{1,4})$/i.exec(address) ?? [];
  if (high === undefined || low === undefined) return undefined;
  const bits = Number.parseInt(high, 16) * 65_536 + Number.parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
}

function blockListOf(trusted: readonly string[]): BlockList {
  const proxies = new BlockList();
  for (const entry of trusted) {
    const [network = '', prefix] = entry.split('/');
    const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
    const bits = prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix);
    if (!isIP(network) || !Number.isInteger(bits) || bits < 0 || bits > (family === 'ipv6' ? 128 : 32)) {
      throw new TypeError(`TRUST_PROXY holds "${entry}", but should hold CIDRs such as 10.0.0.0/8`);
    }
    proxies.addSubnet(network, bits, family);
  }
  return proxies;
}
