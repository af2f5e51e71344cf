import { formatMinor, parseMinor } from '@quinta/platform/kernel';
import { z } from 'zod';
import { amountMax } from './engine/index.ts';

/** An amount of pesos as clients send it, number or text, with two decimals at most; centavos inside. */
export const amountInput = z
  .union([z.string().max(40), z.number()])
  .transform((value, check) => {
    const minor = parseMinor(value);
    if (typeof minor === 'object') {
      check.addIssue({ code: 'custom', message: minor.sentence, params: { type: minor.type } });
      return z.NEVER;
    }
    if (minor > 0n && minor <= amountMax) return minor;
    const message = `Expected more than 0 and at most ${formatMinor(amountMax)}`;
    check.addIssue({ code: 'custom', message, params: { type: 'out_of_range' } });
    return z.NEVER;
  })
  .meta({ description: 'Pesos, more than 0, two decimals', example: '2500.00' });

/** The same, and nothing at all is an amount too. */
export const amountOrZeroInput = z
  .union([z.string().max(40), z.number()])
  .transform((value, check) => {
    const minor = parseMinor(value);
    if (typeof minor === 'bigint' && minor >= 0n && minor <= amountMax) return minor;
    const message = `Expected 0 to ${formatMinor(amountMax)} with two decimals`;
    check.addIssue({ code: 'custom', message, params: { type: 'out_of_range' } });
    return z.NEVER;
  })
  .meta({ description: 'Pesos, two decimals', example: '100.00' });

/** A decimal of pesos as text. */
export const amountOutput = z.string().meta({ example: '2500.00' });

/** A share of one: 0.15 is 15 %. As text, so that it is exactly what was sent. */
export const rateInput = z
  .union([z.string().max(20), z.number()])
  .transform((value, check) => {
    const text = String(value);
    if (/^(?:0(?:\.\d{1,10})?|1(?:\.0{1,10})?)$/.test(text)) return text;
    const message = 'Expected a fraction from 0 to 1 such as 0.15, with ten decimals at most';
    check.addIssue({ code: 'custom', message, params: { type: 'out_of_range' } });
    return z.NEVER;
  })
  .meta({ description: 'A fraction from 0 to 1: 0.15 is 15 %', example: 0.15 });
