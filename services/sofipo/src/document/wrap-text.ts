/** The most lines of one text; what is longer ends in `…`. */
const linesMax = 12;

/** Breaks a text into lines between its words, and inside a word where that alone is too wide. */
export function wrapText(text: string, width: number, measure: (text: string) => number): readonly string[] {
  if (measure(text) <= width) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (measure(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word;
    while (line.length > 1 && measure(line) > width) {
      const count = fittingCount(line, width, measure);
      lines.push(line.slice(0, count));
      line = line.slice(count);
    }
  }
  if (line !== '') lines.push(line);
  const last = lines[linesMax - 1];
  return last === undefined || lines.length === linesMax ? lines : [...lines.slice(0, linesMax - 1), shortened(last)];
}

/** How many characters of a word fit, one at least. */
function fittingCount(word: string, width: number, measure: (text: string) => number): number {
  let [fits, breaks] = [1, word.length];
  while (breaks - fits > 1) {
    const middle = Math.floor((fits + breaks) / 2);
    if (measure(word.slice(0, middle)) <= width) fits = middle;
    else breaks = middle;
  }
  return fits;
}

function shortened(line: string): string {
  return `${line.slice(0, -1)}…`;
}
