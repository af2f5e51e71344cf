export { type Clock, parseInstant, systemClock } from './time.ts';
export { isUuid, uuidFromBytes, uuidV7, uuidV7FromHex, uuidV8 } from './ids.ts';
export {
  addMoney,
  allocate,
  type AmountFault,
  divideRounded,
  formatMinor,
  type Money,
  parseMinor,
  type Rounding,
} from './money.ts';
export {
  defineProblem,
  type FieldFault,
  Problem,
  type ProblemDefinition,
  type ProblemExtras,
  type ProblemMaker,
} from './problem.ts';
export { defineStates, type StateTable } from './states.ts';
export { type CursorKeys, decodeCursor, encodeCursor, type Page, pageOf } from './pages.ts';
export { type Log, type LogFields, silentLog } from './log.ts';
export { type Actor, actorIdOf, type ClientOrigin, type Context } from './context.ts';
export { operatorContext } from './operator-context.ts';
