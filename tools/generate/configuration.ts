import type { Settings } from '../../platform/src/config/index.ts';
import { pageHead, table } from './markdown.ts';

export interface ConfiguredService {
  readonly face: { readonly name: string };
  readonly settings: Settings;
}

const about = `Environment variables, also from \`.env\`. Where services share a process, a variable with the service's name in front
wins for it: \`MEXA_DATABASE_URL\` before \`DATABASE_URL\`. A wrong value stops the start with a line that says what was expected.
An empty value counts as not set. Secrets are never shown by a log, an error or \`quinta doctor\`.`;

export function renderConfiguration(host: Settings, services: readonly ConfiguredService[]): string {
  const own = services.map(({ face, settings }) =>
    section(face.name, Object.fromEntries(Object.entries(settings).filter(([name]) => !(name in host)))),
  );
  return [pageHead('Configuration', about), section('The process', host), ...own].join('\n');
}

function section(title: string, settings: Settings): string {
  const rows = Object.entries(settings)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { about: words, expects, fallback, isSecret }]) => [
      `\`${name}\``,
      words,
      `${expects}${isSecret ? ' (secret)' : ''}`,
      isSecret ? 'none' : defaultText(fallback),
    ]);
  return `## ${title}\n\n${table(['Variable', 'What for', 'Holds', 'Default'], rows)}`;
}

function defaultText(fallback: unknown): string {
  if (fallback === undefined || (Array.isArray(fallback) && fallback.length === 0)) return 'none';
  return `\`${Array.isArray(fallback) ? fallback.join(',') : JSON.stringify(fallback).replaceAll('"', '')}\``;
}
