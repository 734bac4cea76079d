/** Prints items as a table: the first columns show what needs attention, the last one why. */
import type { ItemSummary } from '../core/nouns/item.js';
import type { TimeView } from '../core/policy/time-words.js';
import { shortWhy, why } from '../core/policy/why.js';
import type { DocumentOptions } from './item-document.js';
import { summaryDocument } from './item-document.js';
import { stateColour } from './item.js';
import type { JsonObject } from './json.js';
import type { Look } from './style.js';
import type { Cell, Column } from './table.js';
import { renderTable } from './table.js';
import { timeCell } from './time.js';

interface ItemColumn extends Column {
  cell: (item: ItemSummary, look: Look) => Cell;
  /** The sort column; items without a value come last. */
  key: (item: ItemSummary, view: TimeView) => string | number | undefined;
}

const stateOf = (item: ItemSummary): string => (item.state === 'pending' ? (item.waiting ?? 'pending') : item.state);
const entityOf = ({ entity }: ItemSummary): string | undefined =>
  entity === undefined ? undefined : `${entity.type}/${entity.id}`;

/** A column of plain text; `-` without a value. */
const text = (title: string, of: (item: ItemSummary) => string | undefined, flexible = true): ItemColumn => ({
  title,
  flexible,
  cell: (item) => of(item) ?? '-',
  key: of,
});
const number = (title: string, of: (item: ItemSummary) => number | undefined): ItemColumn => ({
  title,
  align: 'right',
  cell: (item) => String(of(item) ?? '-'),
  key: of,
});
const time = (title: string, of: (item: ItemSummary) => number | undefined): ItemColumn => ({
  title,
  cell: (item, look) => timeCell(of(item), look),
  key: of,
});

/** Columns by their names in `--columns` and `--sort`. */
export const ITEM_COLUMNS = {
  id: number('ID', ({ id }) => id),
  state: {
    title: 'STATE',
    cell: (item, look) => ({ text: stateOf(item), paint: stateColour(stateOf(item), look.style) }),
    key: stateOf,
  } satisfies ItemColumn as ItemColumn,
  target: text('TARGET', ({ target }) => target),
  method: text('METHOD', ({ method }) => method, false),
  path: text('PATH', ({ path }) => (path === '' ? undefined : path)),
  entity: text('ENTITY', entityOf),
  /** The entity, or without one the most telling substitute. */
  about: text('ABOUT', (item) => entityOf(item) ?? `${item.method} ${item.path}`),
  operation: text('OPERATION', ({ operation }) => operation),
  tries: number('TRIES', ({ attemptCount }) => attemptCount),
  stored: time('STORED', ({ createdAt }) => createdAt),
  changed: time('CHANGED', ({ stateAt }) => stateAt),
  due: time('DUE', ({ notBefore }) => notBefore),
  expires: time('EXPIRES', ({ expiresAt }) => expiresAt),
  reason: text('REASON', ({ reviewReason }) => reviewReason, false),
  status: number('STATUS', ({ lastError, response }) => lastError?.status ?? response?.status),
  bytes: number('BYTES', ({ payloadBytes }) => payloadBytes),
  key: text('KEY', ({ idempotencyKey }) => idempotencyKey),
  tags: text('TAGS', ({ tags }) => (tags.length === 0 ? undefined : tags.join(','))),
  why: {
    title: 'WHY',
    flexible: true,
    // In a pipe the whole sentence, at every width.
    cell: (item, look) => (look.terminal ? shortWhy(item, look) : why(item, look)),
    key: why,
  } satisfies ItemColumn as ItemColumn,
} as const;

export type ColumnName = keyof typeof ITEM_COLUMNS;

const USUAL: readonly ColumnName[] = ['id', 'state', 'target', 'method', 'path', 'entity', 'tries', 'stored', 'why'];
/** On a narrow terminal the least useful columns are dropped, so that the reason stays readable. */
const NARROW: readonly ColumnName[] = ['id', 'state', 'about', 'stored', 'why'];
const NARROW_BELOW = 100;

/** In a pipe: tab-separated, without header, uncut, always the same columns. */
export async function itemTable(
  items: readonly ItemSummary[],
  look: Look,
  names: readonly ColumnName[] = look.terminal && look.columns < NARROW_BELOW ? NARROW : USUAL,
): Promise<string[]> {
  const columns = names.map((name) => ITEM_COLUMNS[name]);
  return renderTable(
    columns,
    items.map((item) => columns.map(({ cell }) => cell(item, look))),
    look,
  );
}

/** A copy sorted by a column; the sort is stable. */
export function sortItems(
  items: readonly ItemSummary[],
  { column, descending }: { column: ColumnName; descending: boolean },
  now: number,
): ItemSummary[] {
  const { key } = ITEM_COLUMNS[column];
  const sign = descending ? -1 : 1;
  return items
    .map((item) => ({ item, key: key(item, { now, terminal: false }) }))
    .sort((a, b) => {
      if (a.key === undefined || b.key === undefined) return Number(a.key === undefined) - Number(b.key === undefined);
      if (typeof a.key === 'number' && typeof b.key === 'number') return sign * (a.key - b.key);
      return sign * (a.key < b.key ? -1 : Number(a.key > b.key));
    })
    .map(({ item }) => item);
}

export interface ListFacts {
  items: readonly ItemSummary[];
  total: number | undefined;
  next: number | undefined;
}

export function listDocument(page: ListFacts, options: DocumentOptions): JsonObject {
  return {
    items: page.items.map((item) => summaryDocument(item, options)),
    total: page.total ?? null,
    next: page.next ?? null,
  };
}
