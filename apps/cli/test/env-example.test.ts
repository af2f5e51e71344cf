import { readFileSync } from 'node:fs';
import { type Environment, readConfig } from '@quinta/platform/config';
import { hostSettings } from '@quinta/platform/service';
import { expect, test } from 'vitest';
import { services } from '../src/services.ts';

const example = readFileSync(new URL('../../../.env.example', import.meta.url), 'utf8');
const lines = [...example.matchAll(/^# ([A-Z][A-Z_0-9]+)=(.*)$/gm)].map(([, name = '', value = '']) => ({
  name,
  value,
}));

/** The setting that a name stands for, with the service before it or not. */
function isKnown(name: string): boolean {
  return services.some(({ face, settings }) => {
    const prefix = `${face.name.toUpperCase().replaceAll('-', '_')}_`;
    const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name;
    return Object.hasOwn(settings, bare) || Object.hasOwn(settings, name);
  });
}

test('every variable of .env.example is one that a service reads', () => {
  expect(lines.length).toBeGreaterThan(8);
  expect(lines.filter(({ name }) => !isKnown(name))).toEqual([]);
});

test('what it sets can be read by every service', () => {
  const given: Environment = Object.fromEntries(lines.map(({ name, value }) => [name, value]));
  for (const { face, settings } of services) expect(() => readConfig(face.name, settings, given)).not.toThrow();
  expect(() => readConfig('quinta', hostSettings, given)).not.toThrow();
});
