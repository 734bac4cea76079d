/** Compares with what was recorded; a miss counts only when it comes again, for a busy machine misses by itself. */

/** A ratio may be this much worse than recorded, and CPU per item too. */
const SLACK = 1.35;

/** @returns the exit code: 1 when the same row missed twice in a row */
export async function check(measure, recorded) {
  if (recorded === undefined) {
    console.error('nothing is recorded yet: npm run bench');
    return 1;
  }
  const known = new Map(recorded.rows.map((row) => [row.id, row]));
  const first = misses(await measure(), known);
  if (first.size === 0) return 0;
  console.log(`\nmissed, measured again: ${[...first.keys()].join(', ')}`);
  const again = misses(await measure(), known);
  const repeated = [...first.keys()].filter((id) => again.has(id));
  for (const id of repeated) console.error(`slower than recorded, twice: ${id}: ${again.get(id)}`);
  return repeated.length === 0 ? 0 : 1;
}

export function misses(rows, known) {
  const found = new Map();
  for (const row of rows) {
    const before = known.get(row.id);
    if (before?.median === undefined || row.median === undefined || row.goal === undefined) continue;
    const worse = row.goal[0] === '<=' ? row.median / before.median : before.median / row.median;
    const cpuWorse = row.cpuUs === undefined || before.cpuUs === undefined ? 0 : row.cpuUs / before.cpuUs;
    // Wall clocks of a busy machine lie; where CPU was measured, it decides.
    const decisive = cpuWorse > 0 ? Math.min(worse, cpuWorse) : worse;
    if (decisive > SLACK) found.set(row.id, `${row.median.toFixed(2)} (recorded ${before.median.toFixed(2)})`);
  }
  return found;
}
