import { describe, expect, it } from 'vitest';
import { bars } from '../figures/bars.ts';
import { type Suite, suites } from '../parts/part.ts';
import { type Chapter, pageOf, type Report } from './page.ts';

const section: Chapter = {
  suite: 'mexa',
  title: 'A part',
  text: ['What it is about.'],
  tables: [{ head: ['who', 'a second'], rows: [['MEXA', '2']] }],
  readings: [{ bar: 'voucher-rate', measured: { median: 1.1, min: 1, max: 1.2 } }],
  leftOut: [],
  faults: [],
  data: undefined,
};

function pageWith(changed: Partial<Report>, suite: Suite = 'mexa'): string {
  const report = {
    date: new Date('2026-01-31T12:00:00Z'),
    rounds: 5,
    seconds: 8,
    isQuick: false,
    facts: [['cores', '2']],
    sections: [section],
    ...changed,
  } as const;
  return pageOf(report, suite);
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

  it.each(suites)('names every bar of %s, also those that this run has not measured, and no other', (suite) => {
    const page = pageWith({ sections: [] }, suite);
    const own = bars.filter((bar) => bar.suite === suite);
    for (const bar of bars) expect(page.includes(`| ${bar.about} `)).toBe(bar.suite === suite);
    expect(page.match(/not measured/g)).toHaveLength(own.length);
  });

  it('of one suite says nothing of another', () => {
    const other: Chapter = { ...section, suite: 'move-acces', title: 'Another part', readings: [] };
    const sections = [section, other];
    expect(pageWith({ sections })).not.toContain('Another part');
    expect(pageWith({ sections }, 'move-acces')).toContain('Another part');
    expect(pageWith({ sections }, 'move-acces')).not.toContain('## A part');
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
