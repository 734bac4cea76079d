/**
 * How old the unfinished items of each target are, as a table like Postfix's qshape: each column covers twice the time
 * of the one before, and the rows add up. It tells a recent burst from an old backlog. Pure.
 */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Upper bounds of the columns, ms, exclusive; a last column holds everything older. */
export const AGE_BOUNDS_MS: readonly number[] = [5 * MINUTE, 20 * MINUTE, HOUR, 4 * HOUR, DAY, 3 * DAY, 7 * DAY];

/** Titles of the columns, one more than there are bounds. */
export const AGE_TITLES: readonly string[] = ['< 5m', '20m', '1h', '4h', '1d', '3d', '7d', 'older'];

/** Counting stops here; a larger count is shown as `5000+`. */
export const AGE_COUNT_CAP = 5_000;

/** One cell as the store counts it. */
export interface AgeCount {
  target: string;
  kind: 'waiting' | 'review';
  /** Index into `AGE_TITLES`. */
  bucket: number;
  count: number;
  /** Counting stopped at `AGE_COUNT_CAP`: the true count is this or more. */
  capped: boolean;
}

export interface AgeRow {
  /** Undefined = all targets together. */
  target: string | undefined;
  kind: AgeCount['kind'];
  total: { count: number; capped: boolean };
  buckets: { count: number; capped: boolean }[];
}

/** When the items of a column were stored, epoch ms: from inclusive (undefined = no bound), to exclusive. */
export function ageRange(bucket: number, now: number): { from: number | undefined; to: number | undefined } {
  const older = AGE_BOUNDS_MS[bucket];
  const younger = bucket === 0 ? undefined : AGE_BOUNDS_MS[bucket - 1];
  return {
    // A time in the future (another clock, a requested time) counts as young.
    from: older === undefined ? undefined : now - older + 1,
    to: younger === undefined ? undefined : now - younger + 1,
  };
}

/**
 * Rows of the table: first all targets together, then each target, waiting before review. Rows without items are left
 * out.
 */
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
