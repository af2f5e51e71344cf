import type { ReplicatedPair } from '@quinta/platform/testing';

/** Lets each commit of the primary wait, once it is done, for a replay that does not go on while `work` runs. */
export async function whileCommitsWait(pair: ReplicatedPair, work: () => Promise<void>): Promise<void> {
  await nameStandbys(pair, '*');
  try {
    // The checkpointer tells the others of it in its own time: one commit that waits shows that all of them will.
    const commit = (): Promise<unknown> => pair.primary.run("select pg_logical_emit_message(true, 'quinta', 'waits')");
    while (
      (await cutCommitsUntil(
        pair,
        commit().catch(() => undefined),
      )) === 0
    );
    await work();
  } finally {
    await nameStandbys(pair, '');
  }
}

async function nameStandbys({ primary }: ReplicatedPair, standbys: '' | '*'): Promise<void> {
  await primary.run(`alter system set synchronous_standby_names = '${standbys}'`);
  await primary.run('select pg_reload_conf()');
}

/** Ends each connection whose commit waits, which takes its answer away, until `over` settles; resolves to how many. */
export async function cutCommitsUntil({ primary }: ReplicatedPair, over: Promise<unknown>): Promise<number> {
  const settled = new AbortController();
  const settling = over.finally(() => settled.abort());
  let cuts = 0;
  while (!settled.signal.aborted) {
    const cut = "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'";
    cuts += (await primary.run(cut)).length;
  }
  await settling;
  return cuts;
}
