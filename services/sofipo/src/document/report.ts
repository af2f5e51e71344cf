import type { StreamReply } from '@quinta/platform/http';
import { z } from 'zod';
import type { Sofipo } from '../app.ts';
import { csvOf } from './csv.ts';
import { pdfOf, type Stamp } from './pdf.ts';

/** What stands in a table: JSON's own scalars, amounts, rates and dates as the texts that they are on the wire. */
export type Cell = string | number | null;

/** How a PDF shows a cell: `2026-01-31` as 31/01/2026, `1799.33` as 1,799.33, `0.1500` as 15.00 %. */
export type CellKind = 'text' | 'date' | 'amount' | 'count' | 'rate';

export interface Column<Name extends string = string> {
  /** The member of the JSON rows, and the name in CSV. */
  readonly name: Name;
  /** The client's word, in PDF. */
  readonly label: string;
  readonly kind: CellKind;
  /** Whether a PDF sums the column (amounts only) below the table. */
  readonly isSummed?: boolean;
}

export type TableRow<Name extends string> = Readonly<Record<Name, Cell>>;

/** A word and what it is here. */
export interface Fact {
  readonly label: string;
  readonly value: string;
}

/** One table with a title: what becomes CSV and PDF. Its rows are those of the JSON answer, which may have members more. */
export interface Report<Name extends string = string> {
  /** Of the file, without its ending: ASCII letters, digits and hyphens. */
  readonly fileName: string;
  readonly title: string;
  readonly facts?: readonly Fact[];
  readonly head: readonly Column<Name>[];
  readonly rows: readonly TableRow<NoInfer<Name>>[];
  /** Sentences below the table. */
  readonly notes?: readonly string[];
}

/** `?format=`: a list as JSON, unless as a file. */
export const reportFormat = z.enum(['json', 'csv', 'pdf']).default('json');
/** What a route of a report lists in `streams`. */
export const reportStreams = ['text/csv', 'application/pdf'] as const;

/** A report as the file that was asked for. */
export function reportFile<Name extends string>(
  format: 'csv' | 'pdf',
  report: Report<Name>,
  stamp: Stamp,
): StreamReply {
  const { fileName, title, facts = [], head, rows, notes = [] } = report;
  if (format === 'csv') {
    const stream = csvOf(head, rows);
    return { status: 200, stream, contentType: 'text/csv; charset=utf-8', fileName: `${fileName}.csv` };
  }
  return pdfFile(
    fileName,
    pdfOf({ title, blocks: [{ kind: 'facts', facts }, { kind: 'table', head, rows }, ...notes.map(noteOf)] }, stamp),
  );
}

/** Now, on the service's clock, where its clients live. */
export function stampOf({ clock, config }: Pick<Sofipo, 'clock' | 'config'>): Stamp {
  return { at: clock.now(), timeZone: config.SOFIPO_TIME_ZONE };
}

/** A PDF as an answer. */
export function pdfFile(fileName: string, stream: AsyncIterable<Uint8Array>): StreamReply {
  return { status: 200, stream, contentType: 'application/pdf', fileName: `${fileName}.pdf` };
}

function noteOf(text: string): { readonly kind: 'note'; readonly text: string } {
  return { kind: 'note', text };
}
