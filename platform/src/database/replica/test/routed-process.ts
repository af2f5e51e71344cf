/** A worker of node:cluster that writes and reads as one process of a service would; see `routed-orders.ts`. */
import { clusterKeyValue } from '../../../keyvalue/index.ts';
import { openDatabase } from '../../open.ts';
import { withReplica } from '../with-replica.ts';
import { isOrder, type Order, type Told } from './routed-orders.ts';
import { find, keep } from './routed-statements.ts';

const [, , primaryUrl = '', replicaUrl = ''] = process.argv;
const database = withReplica(openDatabase({ url: primaryUrl }), {
  primaryUrl,
  replicaUrl,
  shared: { keyValue: clusterKeyValue(), scope: 'test' },
});

process.on('message', (message: unknown) => {
  if (isOrder(message)) void obey(message);
});

async function obey({ routedOrder, verb, caller, value }: Order): Promise<void> {
  try {
    process.send?.({ routedAnswer: routedOrder, ...(await doneBy(verb, caller, value)) } satisfies Told);
  } catch (error) {
    process.send?.({ routedAnswer: routedOrder, fault: String(error) } satisfies Told);
  }
}

async function doneBy(
  verb: Order['verb'],
  caller: string,
  value: number,
): Promise<{ value?: number; replica?: boolean }> {
  if (verb === 'write') await database.writer([caller]).runAlone(keep, [caller, value]);
  if (verb === 'write') return {};
  return (await database.reader([caller]).run(find, [caller])).rows[0] ?? {};
}
