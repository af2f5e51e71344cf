/** Where RabbitMQ is. */
export interface RabbitMqAddress {
  readonly host: string;
  readonly port: number;
  readonly virtualHost: string;
  readonly user: string;
  readonly password: string;
  readonly isTls: boolean;
}

const ports = { 'amqp:': 5_672, 'amqps:': 5_671 } as const;

/**
 * Reads `amqp://user:password@host:port/vhost`; `amqps://` is TLS. Without a user it is guest/guest, without a path the
 * virtual host `/`. Throws a RangeError, without the text itself, for anything else.
 */
export function parseAmqpUrl(text: string): RabbitMqAddress {
  const url = URL.parse(text);
  const protocol = url?.protocol;
  if (!url || (protocol !== 'amqp:' && protocol !== 'amqps:') || url.hostname === '') {
    throw new RangeError('The address of RabbitMQ should be amqp://user:password@host:port/vhost, or amqps://');
  }
  const virtualHost = decodeURIComponent(url.pathname.slice(1));
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? ports[protocol] : Number(url.port),
    virtualHost: virtualHost === '' ? '/' : virtualHost,
    user: url.username === '' ? 'guest' : decodeURIComponent(url.username),
    password: url.password === '' ? 'guest' : decodeURIComponent(url.password),
    isTls: protocol === 'amqps:',
  };
}

/** The same as one text, from parts that come one by one; what is not given is as `parseAmqpUrl` says. */
export function amqpUrlOf(parts: Partial<RabbitMqAddress> & Pick<RabbitMqAddress, 'host'>): string {
  const { host, port, virtualHost = '/', user = 'guest', password = 'guest', isTls = false } = parts;
  const at = host.includes(':') ? `[${host}]` : host;
  const [name, secret, path] = [user, password, virtualHost].map(encodeURIComponent);
  return `${isTls ? 'amqps' : 'amqp'}://${name}:${secret}@${at}${port === undefined ? '' : `:${port}`}/${path}`;
}

/** A fault's text without the secret that it may repeat. */
export function describeAmqpFault(error: unknown, { password }: Pick<RabbitMqAddress, 'password'>): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const whole = code === '' || text.includes(code) ? text : `${code}: ${text}`;
  return password.length > 5 ? whole.replaceAll(password, '***') : whole;
}
