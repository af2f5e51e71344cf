export { keptLog } from '../keyvalue/test/kept-log.ts';
