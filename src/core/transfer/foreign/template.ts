/**
 * The templates of mappings: text with `{column}` in it. `{a|b}` is the first of these columns that the table has;
 * `{a:path}` is inserted as it is where other values are percent-encoded.
 */
import { QueueError } from '../../nouns/errors.js';
import { decodeText, quoted } from '../../check/text.js';

export type Cell = string | number | bigint | Uint8Array | null;
export type Row = Readonly<Record<string, Cell>>;

/** A template, or a choice of templates by the value of another. */
export type Expression = string | { from: string; map?: Readonly<Record<string, string>>; default?: string };

/** Reads one field of a row. Undefined when a column in it is null: the item does not have the field. */
export type CellReader = (row: Row) => Cell | undefined;

const PLACEHOLDER = /\{([^{}]+)\}/;

/**
 * Compiles one expression of a mapping.
 *
 * @param columns names of the table's columns, compared without regard to case
 * @param encode applied to values inside a longer text
 * @throws {QueueError} code 'usage' when the table has none of the columns
 */
export function compile(
  field: string,
  expression: Expression,
  columns: readonly string[],
  encode: (text: string) => string = same,
): CellReader {
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
    // Refuse a value without a rule instead of guessing.
    return value === undefined || expression.map === undefined ? value : refuseValue(field, value);
  };
}

const same = (text: string): string => text;

function template(
  field: string,
  text: string,
  columns: readonly string[],
  encode: (text: string) => string,
): CellReader {
  // Every second part is what stood in a pair of braces.
  const parts = text
    .split(PLACEHOLDER)
    .map((part, n) => (n % 2 === 0 ? part : placeholder(field, part, columns)))
    .filter((part) => part !== '');
  const [only] = parts;
  // A column that stands alone keeps its kind: bytes stay bytes.
  if (parts.length === 1 && typeof only === 'object' && (encode === same || only.raw))
    return (row) => row[only.column] ?? undefined;
  return (row) => {
    let result = '';
    for (const part of parts) {
      if (typeof part === 'string') result += part;
      else {
        const cell = row[part.column] ?? null;
        if (cell === null) return undefined;
        result += part.raw ? cellText(cell) : encode(cellText(cell));
      }
    }
    return result;
  };
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

/** The text of a cell. @throws {QueueError} `bad-item` for bytes that are not UTF-8: different names would become one */
export function cellText(cell: Cell): string {
  if (cell === null) return '';
  if (!(cell instanceof Uint8Array)) return String(cell);
  const text = decodeText(cell);
  if (text === undefined) throw new QueueError('bad-item', 'a column that is used holds what is not valid UTF-8');
  return text;
}

function refuseValue(field: string, value: Cell): never {
  throw new QueueError('bad-item', `${field} has no rule for ${quoted(cellText(value))}`, {
    hint: `add it to "map" of ${field}, or give a "default"`,
  });
}
