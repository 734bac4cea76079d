/**
 * `npm run bench [-- --quick] [--only start,drain] [--check]`: measures, prints, and writes results.md, results.json and
 * results.svg beside this file. Only ratios of one interleaved run mean anything; see docs/scale.md.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { chart } from './chart.mjs';
import { check } from './check.mjs';
import { drain, others } from './drain.mjs';
import { enqueue } from './enqueue.mjs';
import { latency } from './latency.mjs';
import { scale } from './scale.mjs';
import { shell } from './shell.mjs';
import { start } from './start.mjs';
import { cleanUp } from './world.mjs';

const SUITES = { start, shell, enqueue, latency, drain, others, scale };
const SIZES = {
  full: { rounds: 21, items: 1_000_000, lines: 200_000, sends: 2000 },
  quick: { rounds: 7, items: 50_000, lines: 50_000, sends: 1500 },
};
const FILES = { json: here('results.json'), markdown: here('results.md'), chart: here('results.svg') };

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    only: { type: 'string' },
    items: { type: 'string' },
  },
});
const size = {
  ...(flags.quick || flags.check ? SIZES.quick : SIZES.full),
  ...(flags.items === undefined ? {} : { items: Number(flags.items) }),
};
const wanted = flags.only?.split(',') ?? Object.keys(SUITES).filter((name) => !flags.check || name !== 'others');

process.on('SIGINT', () => {
  cleanUp();
  process.exit(130);
});
try {
  if (flags.check) process.exitCode = await check(() => measure(wanted), recorded());
  else publish(await measure(wanted));
} finally {
  cleanUp();
}

async function measure(names) {
  const rows = [];
  for (const name of names) {
    console.log(`\n${name}`);
    const measured = await SUITES[name](size);
    for (const row of measured) console.log(`  ${line(row)}`);
    rows.push(...measured);
    cleanUp();
  }
  return rows;
}

/** Suites that were not run this time keep what was recorded before. */
function publish(rows) {
  const known = new Map((recorded()?.rows ?? []).map((row) => [row.id, row]));
  for (const row of rows) known.set(row.id, row);
  const all = sorted([...known.values()]);
  writeFileSync(FILES.json, `${JSON.stringify({ machine: machine(), size, rows: all }, undefined, 2)}\n`);
  writeFileSync(FILES.markdown, markdown(all));
  writeFileSync(FILES.chart, chart(all));
}

/** What users feel first comes first: links, then commands, then the rest as measured. */
function sorted(rows) {
  const first = ['latency', 'status', 'cli', 'shell', 'plain'];
  const rank = ({ id }) => {
    const found = first.findIndex((prefix) => id.startsWith(prefix));
    return found === -1 ? first.length : found;
  };
  return rows
    .map((row, index) => ({ row, at: [rank(row), index] }))
    .sort((a, b) => a.at[0] - b.at[0] || a.at[1] - b.at[1])
    .map(({ row }) => row);
}

function recorded() {
  return existsSync(FILES.json) ? JSON.parse(readFileSync(FILES.json, 'utf8')) : undefined;
}

function machine() {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} x ${cpu?.model.trim() ?? 'unknown'}, ${memory} GiB, ${process.platform} ${process.arch}, Node ${process.version}`;
}

function line(row) {
  if (row.median === undefined) return row.what;
  const spread = row.low === undefined ? '' : ` (${number(row.low)} to ${number(row.high)})`;
  const goal = row.goal === undefined ? '' : `, goal ${row.goal.join(' ')}: ${met(row) ? 'met' : 'MISSED'}`;
  const cpu = row.cpuUs === undefined ? '' : `, ${Math.round(row.cpuUs)} us CPU`;
  return `${row.what}: ${number(row.median)}${spread}${cpu}${goal}`;
}

function markdown(rows) {
  const cells = rows
    .filter((row) => row.median !== undefined)
    .map((row) => [
      row.what,
      number(row.median),
      row.low === undefined ? '' : `${number(row.low)} to ${number(row.high)}`,
      row.cpu === undefined ? '' : number(row.cpu),
      row.cpuUs === undefined ? '' : String(Math.round(row.cpuUs)),
    ]);
  const head = ['what', 'median', 'quartiles', 'CPU ratio', 'CPU, us each'];
  const table = [head, head.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |`).join('\n');
  const notes = rows.filter((row) => row.median === undefined).map(({ what }) => `- ${what}`);
  return `# Measured

Written by \`npm run bench\`. Every row compares two things that ran interleaved, round by round, on the same machine; absolute
times mean nothing elsewhere. Rates are "ours / theirs", so more is better; the other rows are cost, so less is better. Rows keep
what was measured last; the goals that CI holds them to are in the sources of the bench.

Machine: ${machine()}

![what sending costs](results.svg)

${table}
${notes.length === 0 ? '' : `\n${notes.join('\n')}\n`}`;
}

function met({ goal: [relation, limit], median }) {
  return relation === '<=' ? median <= limit : median >= limit;
}

function number(value) {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(2);
}

function here(name) {
  return new URL(name, import.meta.url);
}
