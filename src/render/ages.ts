/** Prints the ages of unfinished items as a table like Postfix's qshape. */
import type { AgeRow } from '../core/index.js';
import type { JsonObject } from './json.js';
import type { Look } from './style.js';
import type { Cell, Column } from './table.js';
import { renderTable } from './table.js';

/** Titles of the columns and their upper bounds, ms; the last has none. */
export interface AgeColumns {
  titles: readonly string[];
  boundsMs: readonly number[];
}

type Count = AgeRow['total'];

const countOf = ({ count, capped }: Count): string => (count === 0 ? '.' : `${count}${capped ? '+' : ''}`);

export async function ageLines(rows: readonly AgeRow[], { titles }: AgeColumns, look: Look): Promise<string[]> {
  if (rows.length === 0) return ['nothing is unfinished'];
  const columns: Column[] = [
    { title: 'AGE', flexible: true },
    { title: 'STATE' },
    { title: 'TOTAL', align: 'right' },
    ...titles.map((title): Column => ({ title, align: 'right' })),
  ];
  const cells = rows.map(({ target, kind, total, buckets }): Cell[] => [
    target ?? 'all',
    { text: kind, paint: kind === 'review' ? look.style.red : (text) => text },
    countOf(total),
    ...buckets.map(countOf),
  ]);
  return renderTable(columns, cells, look);
}

export function agesDocument(rows: readonly AgeRow[], { boundsMs }: AgeColumns): JsonObject[] {
  return rows.map(({ target, kind, total, buckets }) => ({
    target: target ?? null,
    kind,
    count: total.count,
    atLeast: total.capped,
    ages: buckets.map(({ count, capped }, index) => ({ underMs: boundsMs[index] ?? null, count, atLeast: capped })),
  }));
}
