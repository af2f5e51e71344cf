/** The first lines of every generated page. */
export function pageHead(title: string, about: string): string {
  return `# ${title}\n\n<!-- Made by \`npm run generate\` from the code; do not edit. -->\n\n${about}\n`;
}

/** A table; what would break its cells is escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows.map((row) => row.map(cell))];
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

function cell(text: string): string {
  return text
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replaceAll(/\s*\n\s*/g, ' ');
}
