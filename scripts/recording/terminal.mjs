/** A command line on a terminal of 80 columns, and what the terminal shows afterwards, as rows of coloured text. */
import { fileURLToPath } from 'node:url';

import { expectCode, newUser, run } from '../programs.mjs';

export const COLUMNS = 80;
const ROWS = 24;
const PROGRAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const ESC = '\u001B';
const SGR = new RegExp(`${ESC}\\[([\\d;]*)m`);
/** What redraws a line: all before it on that line is overwritten. */
const REDRAW = new RegExp(`${ESC}\\[(?:2K|1G${ESC}\\[0K|1G)`);
const CURSOR = new RegExp(`${ESC}\\[\\?25[hl]`, 'g');
const COLOURS = { 31: 'red', 32: 'green', 33: 'yellow', 36: 'cyan', 39: '' };
/** Stands for lines that are left out; the program did not print it. */
const CUT = [{ text: '…', look: 'dim' }];

/**
 * Runs a command line exactly as it is shown, in a shell that knows `syncq`. The terminal is one of util-linux `script`:
 * without a terminal the program prints plain lines for other programs.
 */
export async function terminal(line, { place, exit = 0 }) {
  const shell = `stty cols ${COLUMNS} rows ${ROWS}; syncq() { "$NODE" "$PROGRAM" "$@"; }; ${line}`;
  // An empty NO_COLOR allows colour. UTC: the times in the recording are not those of a place.
  const own = { NO_COLOR: '', TERM: 'xterm', TZ: 'UTC', NODE: process.execPath, PROGRAM };
  const env = { ...newUser(place.home), ...own };
  const argv = ['60', 'script', '--quiet', '--return', '--command', shell, '/dev/null'];
  const { stdout } = expectCode(exit, await run('timeout', argv, { cwd: place.work, env }));
  return rows(stdout);
}

/** The rows that stay on the screen, each a list of { text, look }. */
function rows(bytes) {
  const lines = bytes.replaceAll(CURSOR, '').replaceAll('\r\n', '\n').trimEnd().split('\n');
  return lines.map((line) => pieces(line.split(REDRAW).at(-1))).filter((row, at) => at < lines.length - 1 || text(row));
}

/** A line, cut where its look changes. A sequence that is not known here ends the recording: nothing is guessed. */
function pieces(line) {
  const parts = line.split(SGR);
  let weight = '';
  let colour = '';
  const found = [];
  parts.forEach((part, at) => {
    if (at % 2 === 0) {
      if (/[^ -~…]/.test(part)) throw new Error(`the recording cannot show ${JSON.stringify(part)}`);
      if (part !== '') found.push({ text: part, look: `${weight} ${colour}`.trim() });
    } else if (part === '1' || part === '2') weight = part === '1' ? 'bold' : 'dim';
    else if (part === '22') weight = '';
    else if (part in COLOURS) colour = COLOURS[part];
    else throw new Error(`the recording does not know the look ${part}`);
  });
  return found;
}

export function text(row) {
  return row.map((piece) => piece.text).join('');
}

/** As a terminal does it: what is too long goes on in the next row. */
function wrap(row) {
  const wrapped = [[]];
  let room = COLUMNS;
  for (const { text: rest, look } of row)
    for (let from = 0; from < rest.length;) {
      if (room === 0) {
        wrapped.push([]);
        room = COLUMNS;
      }
      const part = rest.slice(from, from + room);
      wrapped.at(-1).push({ text: part, look });
      from += part.length;
      room -= part.length;
    }
  return wrapped;
}

/**
 * Whole lines that match one of `wanted`, and `…` for each gap. Every pattern has to match: when the program says
 * something else, the recording fails instead of leaving it out.
 */
export function keep(lines, wanted) {
  const missing = wanted.find((pattern) => !lines.some((row) => pattern.test(text(row))));
  if (missing !== undefined) throw new Error(`no line matches ${missing}:\n${lines.map(text).join('\n')}`);
  const kept = lines.map((row) => (wanted.some((pattern) => pattern.test(text(row))) ? row : undefined));
  const shown = [];
  let gap = [];
  const closeGap = () => {
    // A gap of empty lines hides nothing and stays as it is.
    if (gap.some((row) => text(row) !== '')) shown.push(CUT);
    else shown.push(...gap);
    gap = [];
  };
  kept.forEach((row, at) => {
    if (row === undefined) return gap.push(lines[at]);
    closeGap();
    return shown.push(...wrap(row));
  });
  closeGap();
  return shown;
}
