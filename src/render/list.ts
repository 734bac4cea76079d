/** Items as a table: what needs attention can be seen from the first columns, and why from the last. */
import type { ItemSummary } from '../core/item.js';
import { why } from '../core/policy/why.js';
import type { DocumentOptions } from './item-document.js';
import { summaryDocument } from './item-document.js';
import { stateColour } from './item.js';
import type { JsonObject } from './json.js';
import type { Look } from './style.js';
import type { Cell, Column } from './table.js';
import { renderTable } from './table.js';
import { timeCell } from './time.js';

const COLUMNS: readonly Column[] = [
  { title: 'ID', align: 'right' },
  { title: 'STATE' },
  { title: 'TARGET', flexible: true },
  { title: 'METHOD' },
  { title: 'PATH', flexible: true },
  { title: 'ENTITY', flexible: true },
  { title: 'TRIES', align: 'right' },
  { title: 'STORED' },
  { title: 'WHY', flexible: true },
];

/** In a pipe: the same columns, tab-separated, without header, uncut. */
export async function itemTable(items: readonly ItemSummary[], look: Look): Promise<string[]> {
  const rows = items.map((item): Cell[] => {
    const state = item.state === 'pending' ? (item.waiting ?? 'pending') : item.state;
    return [
      String(item.id),
      { text: state, paint: stateColour(state, look.style) },
      item.target,
      item.method,
      item.path === '' ? '-' : item.path,
      item.entity === undefined ? '-' : `${item.entity.type}/${item.entity.id}`,
      String(item.attemptCount),
      timeCell(item.createdAt, look),
      why(item, look.now),
    ];
  });
  return renderTable(COLUMNS, rows, look);
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
