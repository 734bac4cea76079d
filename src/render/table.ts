/** Prints tables: aligned and cut to the width on a terminal, one tab-separated line per row in a pipe. */
import { cut, oneLine, textWidth } from './printable.js';
import type { Look } from './style.js';

export interface Column {
  title: string;
  align?: 'right';
  /** May be cut on a narrow terminal; the widest such column is cut first. */
  flexible?: boolean;
}

/** A cell: raw foreign text, which is escaped here, optionally with a colour. */
export type Cell = string | { text: string; paint: (text: string) => string };

const GAP = 2;
/** No column is cut below this. */
const NARROWEST = 6;

const textOf = (cell: Cell): string => oneLine(typeof cell === 'string' ? cell : cell.text);

/**
 * Widths within `columns`: the widest flexible column shrinks first, down to a minimum. Beyond that the table stays too
 * wide: a wrapped line is better than a cut id.
 */
export function fitWidths(natural: readonly number[], flexible: readonly boolean[], columns: number): number[] {
  const widths = [...natural];
  const gaps = GAP * Math.max(0, widths.length - 1);
  let excess = widths.reduce((sum, width) => sum + width, gaps) - columns;
  while (excess > 0) {
    let widest = -1;
    for (const [index, width] of widths.entries()) {
      if (flexible[index] === true && width > NARROWEST && (widest < 0 || width > (widths[widest] ?? 0)))
        widest = index;
    }
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
  return widths;
}

async function terminalTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  look: Look,
): Promise<string[]> {
  const { default: Table } = await import('cli-table3');
  const texts = rows.map((row) => row.map(textOf));
  const natural = columns.map(({ title }, index) =>
    Math.max(textWidth(title), ...texts.map((row) => textWidth(row[index] ?? ''))),
  );
  const widths = fitWidths(
    natural,
    columns.map(({ flexible }) => flexible ?? false),
    look.columns,
  );
  // Right-aligned text would touch its neighbour, so the gap is part of the cell.
  const spaced = (text: string, index: number): string =>
    columns[index]?.align === 'right' && index < columns.length - 1 ? text + ' '.repeat(GAP) : text;
  const table = new Table({
    head: columns.map(({ title }, index) => spaced(look.style.dim(title), index)),
    // cli-table3 includes the padding in the width; the last column needs none.
    colWidths: widths.map((width, index) => width + (index === widths.length - 1 ? 0 : GAP)),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
    chars: Object.fromEntries(BORDERS.map((name) => [name, ''])),
    wordWrap: false,
  });
  for (const [at, row] of texts.entries()) {
    table.push(
      row.map((text, index) => {
        const cell = rows[at]?.[index];
        const short = cut(text, widths[index] ?? 0);
        return spaced(typeof cell === 'object' ? cell.paint(short) : short, index);
      }),
    );
  }
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

const BORDERS = [
  'top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right',
  'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle',
] as const; // prettier-ignore

/**
 * Lines of the table, without line feeds. In a pipe there is no header; columns keep their order and new ones are only
 * appended.
 */
export async function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  look: Look,
): Promise<string[]> {
  if (!look.terminal) return rows.map((row) => row.map(textOf).join('\t'));
  return rows.length === 0 ? [] : terminalTable(columns, rows, look);
}
