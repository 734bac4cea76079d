/**
 * How old the unfinished items of each target are, as a table after Postfix's qshape: columns that double, rows that
 * add up. A glance tells a fresh wave from an old pile. Pure.
 */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Upper bounds of the columns, ms, exclusive; what is older goes into a last column. */
export const AGE_BOUNDS_MS: readonly number[] = [5 * MINUTE, 20 * MINUTE, HOUR, 4 * HOUR, DAY, 3 * DAY, 7 * DAY];

/** Titles of the columns, one more than there are bounds. */
export const AGE_TITLES: readonly string[] = ['< 5m', '20m', '1h', '4h', '1d', '3d', '7d', 'older'];

/** A column is counted up to here; more is said as `5000+`. */
export const AGE_COUNT_CAP = 5_000;

/** One cell as the store counts it. */
export interface AgeCount {
  target: string;
  kind: 'waiting' | 'review';
  /** Index into `AGE_TITLES`. */
  bucket: number;
  count: number;
  /** The column was longer than `AGE_COUNT_CAP`: the true count is this or more. */
  capped: boolean;
}

export interface AgeRow {
  /** Undefined = all targets together. */
  target: string | undefined;
  kind: AgeCount['kind'];
  total: { count: number; capped: boolean };
  buckets: { count: number; capped: boolean }[];
}

/** Epoch ms between which the items of a column were stored: from inclusive (undefined = no bound), to exclusive. */
export function ageRange(bucket: number, now: number): { from: number | undefined; to: number | undefined } {
  const older = AGE_BOUNDS_MS[bucket];
  const younger = bucket === 0 ? undefined : AGE_BOUNDS_MS[bucket - 1];
  return {
    // What lies in the future (another clock, an asked-for time) is young.
    from: older === undefined ? undefined : now - older + 1,
    to: younger === undefined ? undefined : now - younger + 1,
  };
}

/** Rows of the table: first all targets together, then each one, waiting before review; rows without items are left out. */
export function ageTable(cells: readonly AgeCount[]): AgeRow[] {
  const names = [...new Set(cells.map(({ target }) => target))].sort();
  const rows = (target: string | undefined): AgeRow[] =>
    (['waiting', 'review'] as const).map((kind) =>
      rowOf(
        target,
        kind,
        cells.filter((cell) => cell.kind === kind && (target === undefined || cell.target === target)),
      ),
    );
  return [undefined, ...names].flatMap(rows).filter(({ total }) => total.count > 0);
}

function rowOf(target: string | undefined, kind: AgeCount['kind'], cells: readonly AgeCount[]): AgeRow {
  const sum = (some: readonly AgeCount[]): AgeRow['total'] => ({
    count: some.reduce((total, { count }) => total + count, 0),
    capped: some.some(({ capped }) => capped),
  });
  const buckets = AGE_TITLES.map((_title, bucket) => sum(cells.filter((cell) => cell.bucket === bucket)));
  return { target, kind, total: sum(cells), buckets };
}
