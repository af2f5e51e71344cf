import { describe, expect, test } from 'vitest';
import { bytesOf, readPdf, type ReadPdf } from '../testing/read-pdf.ts';
import { pdfOf, type PdfDocument, type Stamp } from './pdf.ts';
import type { Column } from './report.ts';

const stamp: Stamp = { at: new Date('2026-02-01T05:04:03.000Z'), timeZone: 'America/Mexico_City' };
const made = (document: Partial<PdfDocument>): Promise<Buffer> =>
  bytesOf(pdfOf({ title: 'Reporte', blocks: [], ...document }, stamp));
const read = async (document: Partial<PdfDocument>): Promise<ReadPdf> => readPdf(await made(document));

const head: readonly Column[] = [
  { name: 'number', label: 'No.', kind: 'count' },
  { name: 'name', label: 'Nombre', kind: 'text' },
  { name: 'total', label: 'Pago total', kind: 'amount', isSummed: true },
];
const rowsOf = (count: number): { number: number; name: string; total: string }[] =>
  Array.from({ length: count }, (_, place) => ({ number: place + 1, name: 'Peña', total: `${1_000 + place}.05` }));

describe('a PDF', () => {
  test('says what it is, in which language, when it was made, and how it is to be read aloud', async () => {
    const { title, language, createdAt, isTagged, pages, paragraphs } = await read({ title: 'Créditos en mora' });
    expect({ title, language, createdAt, isTagged }).toEqual({
      title: 'Créditos en mora',
      language: 'es-MX',
      createdAt: 'D:20260201050403Z',
      isTagged: true,
    });
    expect(pages).toMatchObject([{ width: 612, height: 792, artifacts: ['SOFIPO · Créditos en mora 1 / 1'] }]);
    expect(paragraphs).toEqual(['Créditos en mora', 'SOFIPO Emitido el 31 de enero de 2026, 23:04']);
  });

  test('is the same to the byte for the same input, and another for another', async () => {
    const document: Partial<PdfDocument> = { blocks: [{ kind: 'table', head, rows: rowsOf(120) }] };
    const [one, two] = [await made(document), await made(document)];
    expect(one.equals(two)).toBe(true);
    const later = pdfOf(
      { title: 'Reporte', blocks: [], ...document },
      { ...stamp, at: new Date('2026-02-01T05:04:04Z') },
    );
    expect(one.equals(await bytesOf(later))).toBe(false);
  });

  test('goes over as many pages as it takes, its head on each, every row once, with the sum', async () => {
    const { rows, pages } = await read({ blocks: [{ kind: 'table', head, rows: rowsOf(150) }] });
    expect(rows).toHaveLength(152);
    expect(rows[0]).toEqual(['No.', 'Nombre', 'Pago total']);
    expect(rows[1]).toEqual(['1', 'Peña', '1,000.05']);
    expect(rows[150]).toEqual(['150', 'Peña', '1,149.05']);
    expect(rows[151]).toEqual(['Total', '', '161,182.50']);
    expect(pages.length).toBeGreaterThan(2);
    for (const [place, { artifacts, spans }] of pages.entries()) {
      expect(artifacts.at(-1)).toBe(`SOFIPO · Reporte ${place + 1} / ${pages.length}`);
      expect(spans.filter(({ text }) => text === 'Nombre')).toHaveLength(1);
      const repeated = place === 0 ? [] : ['No.', 'Nombre', 'Pago total'];
      expect(artifacts.slice(0, -1)).toEqual(repeated);
    }
  });

  test('keeps everything on the paper and amounts at one edge', async () => {
    const long = 'Ñ'.repeat(300);
    const rows = rowsOf(90).map((row, place) =>
      place % 7 === 0 ? { ...row, name: long } : { ...row, name: 'Núñez de la O', total: '7.05' },
    );
    const facts = [
      { label: 'Cliente', value: `María ${long} de la Peña` },
      { label: 'Una etiqueta que es más larga que lo que cabe en la mitad', value: 'x' },
    ];
    const { pages } = await read({
      blocks: [
        { kind: 'facts', facts },
        { kind: 'table', head, rows },
      ],
    });
    for (const { spans, width } of pages) {
      expect(spans.filter(({ from, to, y }) => from < 48 || to > width - 47.5 || y < 20)).toEqual([]);
      const edges = spans.filter(({ text }) => /^[\d,]+\.05$/.test(text)).map(({ to }) => to.toFixed(1));
      expect(new Set(edges).size).toBe(1);
    }
  });

  test('lies down where a table is wide, and never breaks a figure', async () => {
    const names = Array.from({ length: 14 }, (_, place) => `amount${place}`);
    const wide = names.map((name): Column => ({ name, label: 'Saldo insoluto', kind: 'amount' }));
    const row = Object.fromEntries(names.map((name) => [name, '9999999999999.99']));
    const { pages, rows } = await read({ blocks: [{ kind: 'table', head: wide, rows: [row] }] });
    expect(pages).toMatchObject([{ width: 792, height: 612 }]);
    expect(rows[1]).toEqual(names.map(() => '9,999,999,999,999.99'));
    expect(Math.max(...(pages[0]?.spans ?? []).map(({ to }) => to))).toBeLessThanOrEqual(792 - 47.5);
  });

  test.each([
    ['a formula', '=cmd|" /C calc"!A0', '=cmd|" /C calc"!A0'],
    ['PDF’s own syntax', ') Tj ET (\\ endstream <FEFF> %', ') Tj ET (\\ endstream <FEFF> %'],
    ['line breaks', 'María\nde\r\nla\u2028Peña', 'María de la Peña'],
    ['a decomposed letter', 'Pen\u0303a Gu\u0308emez', 'Peña Güemez'],
    ['writing from right to left', '\u202eأحمد\u202c', '??????'],
    ['a family as one character', 'Ana \u{1f469}\u200d\u{1f467} \u{1f1f2}\u{1f1fd}', 'Ana ? ?'],
    ['half a character', 'a\ud800b', 'a?b'],
    ['control characters', 'a\u0000\u0007b\u0085', 'a??b?'],
    ['letters beyond Latin-1 that the fonts have', '€ “Œuvre” – Š…', '€ “Œuvre” – Š…'],
    ['others', 'Łódź', '?ód?'],
  ])('shows %s', async (_, name, shown) => {
    const blocks: PdfDocument['blocks'] = [
      { kind: 'facts', facts: [{ label: 'Cliente', value: name }] },
      { kind: 'heading', text: name },
      { kind: 'table', head, rows: [{ number: 1, name, total: '1.00' }] },
      { kind: 'note', text: name },
    ];
    const { rows, facts, paragraphs } = await read({ title: name, blocks });
    expect(rows[1]).toEqual(['1', shown, '1.00']);
    expect(facts).toEqual([['Cliente', shown]]);
    expect(paragraphs.filter((text) => text === shown)).toHaveLength(3);
  });

  test('says so where a table has no rows, and is there without anything', async () => {
    const { paragraphs, rows } = await read({ blocks: [{ kind: 'table', head, rows: [], empty: 'Sin pagos.' }] });
    expect(paragraphs).toContain('Sin pagos.');
    expect(rows).toEqual([]);
    expect((await read({ blocks: [{ kind: 'facts', facts: [] }] })).pages).toHaveLength(1);
  });

  test('keeps a heading with what it is about', async () => {
    const facts = Array.from({ length: 9 }, (_, place) => ({ label: `Dato ${place}`, value: 'valor' }));
    const blocks = Array.from({ length: 40 }, (_, place): PdfDocument['blocks'] => [
      { kind: 'heading', text: `Crédito ${place}` },
      { kind: 'facts', facts },
    ]).flat();
    const { pages } = await read({ blocks });
    const headings = pages.map(({ spans }) => spans.filter(({ text }) => text.startsWith('Crédito')).length);
    expect(headings.reduce((sum, count) => sum + count, 0)).toBe(40);
    expect(pages.map(({ spans }) => spans.filter(({ text }) => text === 'Dato 8').length)).toEqual(headings);
  });
});
