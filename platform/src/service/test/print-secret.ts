import { developmentSecret } from '../secrets.ts';

/** A process of its own that reads or makes a secret at a given instant, so that two of them meet. */
const [folder = '', name = '', at = '0'] = process.argv.slice(2);
while (Date.now() < Number(at)) {
  // Both must arrive within the same millisecond, which a timer does not promise.
}
process.stdout.write(developmentSecret(folder, name));
