/**
 * The small language of mappings: text with `{column}` in it. `{a|b}` is the first of these columns that the table has;
 * `{a:path}` is put in as it is where values would otherwise be percent-encoded.
 */
import { QueueError } from '../../nouns/errors.js';
import { quoted } from '../../check/text.js';
import { damaged } from '../fields.js';
import { decodeText } from '../payload-text.js';

export type Cell = string | number | bigint | Uint8Array | null;
export type Row = Readonly<Record<string, Cell>>;

/** What an expression of a mapping says: a template, or one chosen by the value of another. */
export type Expression = string | { from: string; map?: Readonly<Record<string, string>>; default?: string };

/** Answers undefined when a column in it is null: then there is no such field. */
export type Reader = (row: Row) => Cell | undefined;

const PLACEHOLDER = /\{([^{}]+)\}/g;

/**
 * @param columns names of the table's columns; letters of either case are the same
 * @param encode what is done to values inside a longer text
 * @throws {QueueError} code 'usage' when none of the columns is there
 */
export function compile(
  field: string,
  expression: Expression,
  columns: readonly string[],
  encode: (text: string) => string = same,
): Reader {
  if (typeof expression === 'string') return template(field, expression, columns, encode);
  const from = template(field, expression.from, columns, same);
  const cases = Object.entries(expression.map ?? {}).map(
    ([value, text]) => [value.toLowerCase(), template(field, text, columns, encode)] as const,
  );
  const byValue = new Map(cases);
  const otherwise = expression.default === undefined ? undefined : template(field, expression.default, columns, encode);
  return (row) => {
    const value = from(row);
    const found = value === undefined ? undefined : byValue.get(cellText(value).toLowerCase());
    if (found !== undefined) return found(row);
    if (otherwise !== undefined) return otherwise(row);
    // A value that nobody thought of must not be guessed at.
    return value === undefined || expression.map === undefined ? value : refuseValue(field, value);
  };
}

const same = (text: string): string => text;

function template(field: string, text: string, columns: readonly string[], encode: (text: string) => string): Reader {
  const parts: (string | { column: string; raw: boolean })[] = [];
  let at = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    if (match.index > at) parts.push(text.slice(at, match.index));
    parts.push(placeholder(field, match[1] ?? '', columns));
    at = match.index + match[0].length;
  }
  if (at < text.length || parts.length === 0) parts.push(text.slice(at));
  const [only] = parts;
  if (parts.length === 1 && typeof only === 'object')
    return (row) =>
      encode === same || only.raw ? (row[only.column] ?? undefined) : encoded(row[only.column] ?? null, encode);
  return (row) => joined(parts, row, encode);
}

function encoded(cell: Cell, encode: (text: string) => string): string | undefined {
  return cell === null ? undefined : encode(cellText(cell));
}

function joined(
  parts: readonly (string | { column: string; raw: boolean })[],
  row: Row,
  encode: (text: string) => string,
): string | undefined {
  let result = '';
  for (const part of parts) {
    if (typeof part === 'string') {
      result += part;
      continue;
    }
    const value = encoded(row[part.column] ?? null, part.raw ? same : encode);
    if (value === undefined) return undefined;
    result += value;
  }
  return result;
}

function placeholder(field: string, text: string, columns: readonly string[]): { column: string; raw: boolean } {
  const raw = text.endsWith(':path');
  const names = (raw ? text.slice(0, -':path'.length) : text).split('|');
  for (const name of names) {
    const column = columns.find((candidate) => candidate.toLowerCase() === name.trim().toLowerCase());
    if (column !== undefined) return { column, raw };
  }
  throw new QueueError(
    'usage',
    `the mapping of ${field} names the column ${names.join(' or ')}, which the table does not have; nothing was stored`,
    {
      hint: `its columns: ${columns.join(', ')}`,
    },
  );
}

/** Text of a cell. @throws {QueueError} `bad-item`: its bytes are not UTF-8, and different names would become one */
export function cellText(cell: Cell): string {
  if (cell === null) return '';
  if (!(cell instanceof Uint8Array)) return String(cell);
  return decodeText(cell) ?? damaged('a column', 'that is used holds what is not valid UTF-8');
}

function refuseValue(field: string, value: Cell): never {
  throw new QueueError('bad-item', `${field} has no rule for ${quoted(cellText(value))}`, {
    hint: `add it to "map" of ${field}, or give a "default"`,
  });
}
