/** Whether a routing key fits a binding of a topic exchange (AMQP 0-9-1, section 3.1.3.3). */
export function matchesTopic(pattern: string, routingKey: string): boolean {
  return matches(pattern.split('.'), routingKey.split('.'));
}

function matches(pattern: readonly string[], words: readonly string[]): boolean {
  // reached[n]: the pattern so far can stand for the first n words.
  let reached = [true, ...words.map(() => false)];
  for (const part of pattern) {
    const next = words.map((word, place) => reached[place] === true && (part === '*' || part === word));
    reached = part === '#' ? fromFirst(reached) : [false, ...next];
  }
  return reached.at(-1) === true;
}

function fromFirst(reached: readonly boolean[]): boolean[] {
  const first = reached.indexOf(true);
  return reached.map((_, place) => first !== -1 && place >= first);
}
