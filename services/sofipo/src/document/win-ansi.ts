/** What Windows-1252 has where Latin-1 has control characters. */
const beyondLatin = '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ';
const printable = new RegExp(`^[\\u0020-\\u007e\\u00a1-\\u00ff${beyondLatin}]*$`);
const characters = new Intl.Segmenter('es-MX', { granularity: 'grapheme' });
const lengthMax = 2_000;

/**
 * A text in the letters that the standard fonts of PDF have (WinAnsi), on one line. What a reader takes for one character
 * and the fonts lack becomes one `?`, so that nobody thinks that nothing stood there; what is too long ends in `…`.
 */
export function winAnsi(text: string): string {
  if (text.length <= lengthMax && printable.test(text)) return text;
  const cut = text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text;
  const line = cut.replaceAll(/\s+/g, ' ').trim().normalize('NFC');
  return Array.from(characters.segment(line), ({ segment }) => (printable.test(segment) ? segment : '?')).join('');
}
