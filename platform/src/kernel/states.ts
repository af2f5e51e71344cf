/** A table of allowed moves: each state names the states it may become. */
export interface StateTable<State extends string> {
  readonly states: readonly State[];
  /** Whether a thing in `from` may become `to`. Staying where it is is no move. */
  allows(from: State, to: State): boolean;
  /** The states from which `to` can be reached in one move, for the condition of an UPDATE. */
  sourcesOf(to: State): readonly State[];
  /** Whether nothing follows. */
  isFinal(state: State): boolean;
}

/** `defineStates({issued: ['redeemed', 'void'], redeemed: [], void: []})` */
export function defineStates<const Moves extends Record<string, readonly string[]>>(
  moves: Moves & { readonly [From in keyof Moves]: readonly (keyof Moves & string)[] },
): StateTable<keyof Moves & string> {
  type State = keyof Moves & string;
  const states = Object.keys(moves) as State[];
  const next = (state: State): readonly string[] => moves[state];
  return {
    states,
    allows: (from, to) => next(from).includes(to),
    sourcesOf: (to) => states.filter((from) => next(from).includes(to)),
    isFinal: (state) => next(state).length === 0,
  };
}
