import { expect, vi } from 'vitest';
import { silentLog } from '../../kernel/index.ts';
import { startConsumer } from '../consumer.ts';
import type { Broker, Topology } from '../contract.ts';
import { createRelay, type RelayTurn } from '../relay.ts';
import { type MessagingWorld, payment, record, takeEffect } from './messaging-world.ts';

/** Relays and consumers of several processes, in one: each has a broker and a pool of its own. */
export interface EventFlow {
  readonly brokers: readonly Broker[];
  /** What the relays did, turn by turn. */
  readonly turns: readonly RelayTurn[];
  /** Writes the next payment of each loan, all in one transaction. */
  write(): Promise<void>;
  /** Resolves when every payment has had its effect, once and in order: those written here, or those given. */
  untilWhole(places?: readonly number[]): Promise<void>;
  stop(): Promise<void>;
}

export interface FlowOptions {
  readonly world: MessagingWorld;
  readonly topology: Topology;
  readonly queue: string;
  readonly openBroker: (database: MessagingWorld['database']) => Broker;
  readonly relays: number;
  readonly consumers: number;
  readonly loans: number;
}

const patience = { timeout: 90_000, interval: 50 };

export function startEventFlow(options: FlowOptions): EventFlow {
  const { world, queue, loans } = options;
  const turns: RelayTurn[] = [];
  let written = 0;
  const parts = Array.from({ length: options.relays }, (_, place) => {
    const database = world.open();
    const broker = options.openBroker(database);
    const observe = (turn: RelayTurn): void => void turns.push(turn);
    const relay = createRelay({ database, broker, log: silentLog, pollMs: 50, observe });
    relay.start();
    const subscription = { queue, prefetch: 5, handle: takeEffect(database) };
    const consumer = place < options.consumers ? startConsumer({ broker, subscription, log: silentLog }) : undefined;
    return { broker, relay, consumer };
  });
  return {
    brokers: parts.map(({ broker }) => broker),
    turns,
    write: async () => {
      const events = Array.from({ length: loans }, (_, loan) => payment(`loan-${loan}`, written));
      await world.database.transact((tx) => record(tx, ...events));
      written += 1;
    },
    untilWhole: async (whole = Array.from({ length: written }, (_, place) => place)) => {
      await vi.waitFor(async () => {
        const effects = await world.effects();
        expect(effects.size).toBe(loans);
        for (const own of effects.values()) expect(own).toEqual(whole);
      }, patience);
      await vi.waitFor(async () => expect(await world.pending()).toBe(0), patience);
    },
    stop: async () => {
      for (const { broker, relay, consumer } of parts) {
        await consumer?.stop();
        await relay.stop();
        await broker.close();
      }
    },
  };
}
