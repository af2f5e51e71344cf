import { call } from '@quinta/platform/testing';
import type { MexaWorld } from './mexa-world.ts';

/** What `/metrics` shows, by the whole name of each series. */
export interface Scrape {
  /** The sum over all series of this name whose labels hold all of these. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

export async function scrape({ baseUrl }: Pick<MexaWorld, 'baseUrl'>): Promise<Scrape> {
  const { text } = await call(`${baseUrl}/metrics`);
  const series = [...text.matchAll(/^(\w+)(?:\{(.*)\})? ([\d.e+-]+)$/gm)].map(([, name, labels = '', value]) => ({
    name,
    labels,
    value: Number(value),
  }));
  return {
    sum: (name, labels = {}) =>
      series
        .filter((one) => one.name === name)
        .filter((one) => Object.entries(labels).every(([label, wanted]) => one.labels.includes(`${label}="${wanted}"`)))
        .reduce((sum, { value }) => sum + value, 0),
  };
}

/** How much has been added between two scrapes. */
export function grown(before: Scrape, after: Scrape): Scrape['sum'] {
  return (name, labels) => after.sum(name, labels) - before.sum(name, labels);
}
