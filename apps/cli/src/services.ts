import { mexa } from '@quinta/mexa';
import { moveAcces } from '@quinta/move-acces';
import { sofipo } from '@quinta/sofipo';
import type { AnyService } from '@quinta/platform/service';

/** Every service of the house, in the order in which `start` opens them. */
export const services: readonly AnyService[] = [mexa, sofipo, moveAcces];

/** A wrong word on the command line: said in one line, exit status 2. */
export class UsageError extends Error {}

/** @throws UsageError that names the services there are */
export function serviceNamed(name: string): AnyService {
  const found = services.find(({ face }) => face.name === name);
  if (!found)
    throw new UsageError(
      `There is no service "${name}". There are: ${services.map(({ face }) => face.name).join(', ')}`,
    );
  return found;
}

/** The services named, or all where none is. */
export function servicesNamed(names: readonly string[]): readonly AnyService[] {
  return names.length === 0 ? services : [...new Set(names)].map(serviceNamed);
}
