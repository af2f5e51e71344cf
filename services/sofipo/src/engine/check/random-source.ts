/** Chance that repeats itself: the same seed gives the same numbers on every machine. */
export interface RandomSource {
  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number;
  /** One of the choices. */
  pick<Choice>(choices: readonly Choice[]): Choice;
  /** True one time in so many. */
  oneIn(times: number): boolean;
}

const stepOfSplitMix = 0x9e37_79b9;
const range = 2 ** 32;

/** SplitMix32 (Steele, Lea, Flood 2014, in its 32-bit form), seeded by two numbers such as a run and a loan. */
export function randomSource(seed: number, stream: number): RandomSource {
  let state = Math.imul(seed, stepOfSplitMix) ^ Math.imul(stream, 0x85eb_ca6b);
  const next = (): number => {
    state = (state + stepOfSplitMix) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0_aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  const whole = (least: number, most: number): number => least + Math.floor((next() / range) * (most - least + 1));
  return {
    whole,
    pick: (choices) => {
      const choice = choices[whole(0, choices.length - 1)];
      if (choice === undefined) throw new RangeError('There is nothing to choose from');
      return choice;
    },
    oneIn: (times) => whole(1, times) === 1,
  };
}
