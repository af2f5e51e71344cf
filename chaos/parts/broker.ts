import { setTimeout as pause } from 'node:timers/promises';
import { PrivateRabbitMq } from '../../platform/src/messaging/test/private-rabbitmq.ts';
import type { FaultKind } from '../plan.ts';
import type { Part } from './part.ts';
import { lateMax, Wire } from './wire.ts';

/** A RabbitMQ of our own, behind a wire of its own. */
export class BrokerPart implements Part {
  readonly name = 'broker';
  readonly #server: PrivateRabbitMq;
  readonly wire: Wire;
  readonly #signal: AbortSignal;
  readonly #endNow = (): void => this.#server.endNow();

  private constructor(server: PrivateRabbitMq, wire: Wire, signal: AbortSignal) {
    this.#server = server;
    this.wire = wire;
    this.#signal = signal;
    // The last resort, where an error has passed by everything else.
    process.on('exit', this.#endNow);
  }

  /** Nothing runs yet, so that whoever starts it can stop it at any time. */
  static async prepare(signal: AbortSignal): Promise<BrokerPart> {
    const server = await PrivateRabbitMq.prepare();
    return new BrokerPart(server, await Wire.to(server.port), signal);
  }

  /** For those who work with it: over the wire. */
  get url(): string {
    const url = new URL(this.#server.url);
    url.port = String(this.wire.port);
    return url.href;
  }

  async start(): Promise<void> {
    this.#signal.throwIfAborted();
    await this.#server.start();
  }

  async inject(kind: FaultKind, lastsMs: number): Promise<void> {
    switch (kind) {
      case 'kill':
        await this.#kill(lastsMs % lateMax);
        await pause(lastsMs, undefined, { signal: this.#signal });
        return this.start();
      case 'pause':
        this.#server.suspend();
        await pause(lastsMs, undefined, { signal: this.#signal }).finally(() => this.#server.resume());
        return this.#server.untilAnswers();
      case 'cut':
      case 'stall':
        return this.wire.inject(kind, lastsMs, this.#signal);
      case 'tear':
        throw new Error('A broker is not torn');
    }
  }

  async stop(): Promise<void> {
    await this.#server.remove();
    this.wire.close();
    process.off('exit', this.#endNow);
  }

  async #kill(lateMs: number): Promise<void> {
    let ended: Promise<void> | undefined;
    await this.wire.strike(() => {
      ended = this.#server.kill();
    }, lateMs);
    await ended;
  }
}
