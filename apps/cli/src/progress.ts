const showAfterMs = 1_000;
const redrawMs = 200;

/** A count at the terminal, from the second on that the work lasts; nothing where standard error is no terminal. */
export function showProgress(what: string): { add(count: number): void; end(): void } {
  const started = Date.now();
  let done = 0;
  let drawn = 0;
  const draw = (): void => {
    if (!process.stderr.isTTY || Date.now() - started < showAfterMs) return;
    const perSecond = Math.round((done * 1000) / (Date.now() - started));
    process.stderr.write(`\r${done.toLocaleString('en')} ${what}, ${perSecond.toLocaleString('en')} a second `);
    drawn = Date.now();
  };
  return {
    add: (count) => {
      done += count;
      if (Date.now() - drawn >= redrawMs) draw();
    },
    end: () => {
      if (drawn > 0) process.stderr.write('\r\u001b[K');
    },
  };
}
