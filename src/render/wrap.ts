/** Wraps sanitised text for a terminal, between words where possible. */
import { cut, textWidth } from './printable.js';
import type { Look } from './style.js';

/** At least one line. A word that is longer than a line is split. */
export function wrapText(text: string, columns: number): string[] {
  const width = Math.max(8, columns);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((one) => pieces(one, width))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && textWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

/** Foreign text after `lead`, wrapped and indented on a terminal; one line in a pipe. */
export function hanging(lead: string, text: string, { terminal, columns }: Look): string[] {
  if (!terminal) return [lead + text];
  const [first = '', ...rest] = wrapText(text, columns - textWidth(lead));
  const indent = ' '.repeat(textWidth(lead));
  return [lead + first, ...rest.map((line) => indent + line)];
}

/** The first lines that fit a screen, because the answer must not scroll off the top. */
export function fitScreen(lines: readonly string[], columns: number, rows: number): string[] {
  const shown: string[] = [];
  // The last row stays free for the cursor, the one before it counts what is left out.
  let room = rows - 1;
  for (const [at, line] of lines.entries()) {
    const taken = Math.max(1, Math.ceil(textWidth(line) / Math.max(1, columns)));
    const isLast = at === lines.length - 1;
    if (taken > (isLast ? room : room - 1)) return [...shown, `… ${lines.length - at} more lines: syncq status`];
    shown.push(line);
    room -= taken;
  }
  return shown;
}

function pieces(word: string, width: number): string[] {
  const found: string[] = [];
  let rest = word;
  while (textWidth(rest) > width) {
    // `cut` ends in an ellipsis; the text before it fits.
    const piece = cut(rest, width).slice(0, -1);
    if (piece === '') break;
    found.push(piece);
    rest = rest.slice(piece.length);
  }
  return [...found, rest];
}
