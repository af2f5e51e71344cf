/** The same items in an order by chance (Fisher and Yates). @param chance from 0 to less than 1, as Math.random */
export function shuffled<Item>(items: readonly Item[], chance: () => number = Math.random): readonly Item[] {
  const left = [...items];
  const mixed: Item[] = [];
  while (left.length > 0) mixed.push(...left.splice(Math.floor(chance() * left.length), 1));
  return mixed;
}
