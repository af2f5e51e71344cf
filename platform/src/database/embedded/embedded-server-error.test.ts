import { expect, it } from 'vitest';
import { EmbeddedServerError, explained } from './embedded-server-error.ts';

it.each([
  [
    'ENOSPC: no space left on device, write',
    'Cannot write /x: the disk is full (ENOSPC: no space left on device, write)',
  ],
  [
    'running bootstrap ...\nFATAL:  could not extend file "base/1/2691": wrote only 4096 of 8192 bytes\nremoving contents',
    'Cannot write /x: the disk is full (FATAL:  could not extend file "base/1/2691": wrote only 4096 of 8192 bytes)',
  ],
  ['EROFS: read-only file system', 'Cannot write /x: the file system is read-only (EROFS: read-only file system)'],
  ['EACCES: permission denied', 'Cannot write /x: permission is denied (EACCES: permission denied)'],
  ['something else', 'Cannot write /x: something else'],
])('says what %j means', (text, sentence) => {
  expect(explained('Cannot write /x', new Error(text)).message).toBe(sentence);
});

it('passes a sentence on as it is, and keeps the cause of another', () => {
  const sentence = new EmbeddedServerError('It is so.');
  expect(explained('Cannot', sentence)).toBe(sentence);
  const cause = new Error('why');
  expect(explained('Cannot', cause).cause).toBe(cause);
});
