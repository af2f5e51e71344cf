export { parseCurp } from './curp.ts';
export { normalizeRfc, parseRfc, type Rfc, type RfcCheck } from './rfc.ts';
