import { describe, expect, it } from 'vitest';
import { bars } from '../figures/bars.ts';
import type { Section } from '../parts/part.ts';
import { pageOf, type Report } from './page.ts';

const section: Section = {
  title: 'A part',
  text: ['What it is about.'],
  tables: [{ head: ['who', 'a second'], rows: [['MEXA', '2']] }],
  readings: [{ bar: 'voucher-rate', measured: { median: 1.1, min: 1, max: 1.2 } }],
  leftOut: [],
  faults: [],
  data: undefined,
};

function pageWith(changed: Partial<Report>): string {
  return pageOf({
    date: new Date('2026-01-31T12:00:00Z'),
    rounds: 5,
    seconds: 8,
    isQuick: false,
    facts: [['cores', '2']],
    sections: [section],
    ...changed,
  });
}

describe('the page', () => {
  it('tells the day, the bars, the parts and the machine', () => {
    const page = pageWith({});
    expect(page).toContain('on 2026-01-31; do not edit');
    expect(page).toContain('1.1 (1 to 1.2)');
    expect(page).toContain('NOT MET: 1.1 of 1.3');
    expect(page).toMatch(/## A part\n\nWhat it is about\.\n\n\| who/);
    expect(page).toMatch(/\| cores\s+\|\s+2 \|/);
  });

  it('names every bar, also those that this run has not measured', () => {
    const page = pageWith({ sections: [] });
    for (const { about } of bars) expect(page).toContain(about);
    expect(page.match(/not measured/g)).toHaveLength(bars.length);
  });

  it('names whoever was left out, and what went wrong, first of all', () => {
    const page = pageWith({
      sections: [{ ...section, leftOut: ['Flask: no module named flask'], faults: ['MEXA: 3 rows\nare missing'] }],
    });
    expect(page).toContain('## Left out\n\n- Flask: no module named flask');
    expect(page).toContain('## Faults\n\n- MEXA: 3 rows are missing');
    expect(page.indexOf('## Faults')).toBeLessThan(page.indexOf('## Bars'));
  });

  it('says of a quick run what it is worth', () => {
    expect(pageWith({ isQuick: true })).toContain('its figures mean little');
    expect(pageWith({})).not.toContain('mean little');
  });

  it('tells what to know of a bar', () => {
    const readings = [{ bar: 'verify' as const, measured: undefined, remark: 'there is no command' }];
    expect(pageWith({ sections: [{ ...section, readings }] })).toContain('- verifying 1,000,000 audit rows: there is');
  });
});
