import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from './merkle.ts';
import { auditSigner, auditVerifier, parseCheckpoint, signCheckpoint } from './signing.ts';

const checkpoint = {
  origin: 'quinta/mexa/8f6b5f6e-5f51-4f0f-9a4e-0d8e4a0c7b11',
  size: 17,
  root: sha256('a root'),
  time: '2026-01-31T10:00:00.000Z',
  number: 3,
};
const signer = auditSigner('quinta-audit-mexa', 'one secret, made up for these tests');
const other = auditSigner('quinta-audit-mexa', 'another secret, made up for these tests');

describe('a signed checkpoint', () => {
  it('is a note of C2SP tlog-checkpoint', () => {
    const { note } = signCheckpoint(checkpoint, [signer]);
    expect(note.split('\n')).toEqual([
      checkpoint.origin,
      '17',
      checkpoint.root.toString('base64'),
      'time 2026-01-31T10:00:00.000Z',
      'number 3',
      `key ${signer.verifierKey}`,
      '',
      expect.stringMatching(/^— quinta-audit-mexa [\w+/]{91}=$/u),
      '',
    ]);
    expect(parseCheckpoint(note)).toEqual({ ...checkpoint, key: signer.verifierKey, note });
  });

  it('is verified by the text of its key, and by no other', () => {
    const { note } = signCheckpoint(checkpoint, [signer]);
    expect(auditVerifier(signer.verifierKey)?.hasSigned(note)).toBe(true);
    expect(auditVerifier(other.verifierKey)?.hasSigned(note)).toBe(false);
    const both = signCheckpoint(checkpoint, [signer, other]).note;
    expect([signer, other].map((key) => auditVerifier(key.verifierKey)?.hasSigned(both))).toEqual([true, true]);
  });

  it('is signed by the same key from the same secret', () => {
    expect(auditSigner('quinta-audit-mexa', 'one secret, made up for these tests').verifierKey).toBe(
      signer.verifierKey,
    );
    expect(auditSigner('quinta-audit-finca', 'one secret, made up for these tests').verifierKey).not.toBe(
      signer.verifierKey.replace('mexa', 'finca'),
    );
  });

  it('is not verified, or not read, once a character has changed', () => {
    const { note } = signCheckpoint(checkpoint, [signer]);
    const verifier = auditVerifier(signer.verifierKey);
    fc.assert(
      fc.property(fc.nat(note.length - 2), fc.stringMatching(/^[a-z0-9]$/), (place, character) => {
        fc.pre(note[place] !== character);
        const altered = note.slice(0, place) + character + note.slice(place + 1);
        // Base64 has bits in its last digit that mean nothing.
        const isSame = parseCheckpoint(altered) !== undefined && verifier?.hasSigned(altered) === true;
        expect(isSame && note[place + 1] !== '=').toBe(false);
      }),
    );
  });

  it.each(['', 'x', 'origin\n01\nAAAA\n', 'origin\n1\nAAAA\ntime now\nnumber 1\nkey k\n\n— a b\n'])(
    'is not %j',
    (text) => {
      expect(parseCheckpoint(text)).toBeUndefined();
      expect(auditVerifier(signer.verifierKey)?.hasSigned(text)).toBe(false);
    },
  );
});

describe('a verifier key', () => {
  // The example of the package golang.org/x/mod/sumdb/note, another implementation of signed notes.
  const published = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
  const note = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`;

  it('of another implementation verifies its note', () => {
    expect(auditVerifier(published)?.hasSigned(note)).toBe(true);
    expect(auditVerifier(published)?.hasSigned(note.replace('your problem is', 'my problem is'))).toBe(false);
  });

  it.each([
    '',
    'name',
    published.replace('c74f20a3', 'c74f20a4'),
    published.replace('PeterNeumann', 'Peter'),
    published.replace('+AR', '+BR'),
    published.slice(0, -1),
    'a+b+c',
  ])('is not %j', (text) => {
    expect(auditVerifier(text)).toBeUndefined();
  });
});
