import { runLongCommand } from '../bench/stage/command.ts';
import { hasRabbitMqProgram } from '../platform/src/messaging/test/private-rabbitmq.ts';
import { chanceOf } from './chance.ts';
import { parseOptions } from './options.ts';
import { summaryOf } from './report.ts';
import { runChaos } from './run-chaos.ts';

const usage = `chaos: bad days of SOFIPO's events. Documents are events, each once, in order for each loan.

  npm run chaos                      200 faults in some 15 minutes
  npm run chaos -- --kills 20        fewer

  --kills <n>      kills, pauses and cuts together (200)
  --seed <n>       repeats which faults come when (by chance)
  --seconds <n>    over how long the faults are spread (4 a fault)
  --rate <n>       requests a second, at most (25)
  --broker <name>  rabbitmq, or database: queues in PostgreSQL, and no faults of a broker
                   (rabbitmq where it is installed)
  --logs <folder>  leaves the logs of the API and the workers there

Starts PostgreSQL, RabbitMQ, a document store that speaks CouchDB's protocol, the API and two workers on private ports and
folders; registers clients, grants loans and takes payments; meanwhile kills (kill -9) and pauses parts, cuts their
connections and lets wires go dead, sometimes several at once. In the end every part is back, and it compares documents
with events, the database with what the API has confirmed, and asks the ledger, the audit and the dead letters.

What is under way goes to standard error, the summary to standard output. Everything is ended at the end or by Ctrl-C.

Exit status: 0 nothing was lost; 1 something was, or the run failed; 2 a wrong argument; 130 stopped.`;

await runLongCommand({
  name: 'chaos',
  usage,
  parse: (args) => {
    const seed = Math.floor(chanceOf(Date.now())() * 2 ** 31);
    return parseOptions(args, { seed, hasRabbitMq: hasRabbitMqProgram() });
  },
  work: async (options, run) => {
    const report = await runChaos(options, run);
    console.log(summaryOf(report));
    return report.lost.length > 0 ? 1 : 0;
  },
});
