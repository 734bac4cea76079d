/** The replay report as one self-contained HTML file: no script, no external font or image. */
import type { Comparison } from '../core/replay/compare.js';
import { isExpected } from '../core/policy/verdict.js';
import type { ReplayReport } from '../core/replay/replay.js';
import type { LatencyPoint, ReplayGroup } from '../core/replay/summary.js';
import { printable } from './printable.js';
import { statusWord } from './replay.js';

/** Nothing may be loaded and nothing may run, whatever a server answered. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --dim: #5b6573; --line: #d5dae1; --paper: #fff; --a: #8a94a3; --b: #0b63c5; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --dim: #9aa4b2; --line: #39424f; --paper: #12161c; --a: #77818f; --b: #6cb0ff; --bad: #ff8a80; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2.2rem; } p.dim, .dim { color: var(--dim); }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; } code { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
.bad { color: var(--bad); font-weight: 600; } svg { width: 100%; height: auto; } svg text { fill: var(--dim); font: 11px system-ui, sans-serif; }
.grid { stroke: var(--line); } .a { fill: var(--a); } .b { fill: var(--b); } .c { fill: var(--bad); }
`;

/** @param madeAt ISO 8601 */
export function replayReportHtml(report: ReplayReport, madeAt: string): string {
  const { target, baseUrl, summary } = report;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>Replay to ${escape(target)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Replay to ${escape(target)}</h1>
<p>${answer(report)}</p>
<p class="dim">${escape(baseUrl)}, ${escape(madeAt)}. ${report.sent} requests in this run, ${report.earlier} in earlier ones, ${report.remaining} left${report.message === undefined ? '' : `: ${escape(report.message)}`}.</p>
<h2>By operation and answer</h2>
${groups(summary.groups)}
<h2>Latency</h2>
${plot(summary.points)}
${quantiles(report)}
<h2>Differences</h2>
${differences(report)}
${skips(report)}
</body>
</html>
`;
}

/** Escapes text and attribute values in double quotes. Misleading characters become visible first. */
function escape(text: string): string {
  return printable(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function answer({ summary }: ReplayReport): string {
  const { count, same, differs, noAnswer, skipped, bodyDiffers } = summary;
  const bad = differs + noAnswer;
  const verdict =
    bad === 0 ? 'Every answer was of the same class as before.' : `<span class="bad">${bad} answers differ.</span>`;
  return `${verdict} Of ${count} items ${same} were answered as before (${bodyDiffers} of them with another body), ${summary.new} are new (the original has no answer yet), ${differs} with another class of status, ${noAnswer} not at all; ${skipped} were not sent.`;
}

function groups(rows: readonly ReplayGroup[]): string {
  if (rows.length === 0) return '<p class="dim">Nothing was compared.</p>';
  const cells = rows.map(
    ({ count, operation, original, replay, verdict, firstId }) =>
      `<tr><td class="n">${count}</td><td>${escape(operation)}</td><td class="n">${original ?? 'none'}</td><td class="n">${replay ?? 'none'}</td><td${isExpected(verdict) ? '' : ' class="bad"'}>${verdict}</td><td class="n">${firstId}</td></tr>`,
  );
  return `<div class="wide"><table><thead><tr><th class="n">count</th><th>operation</th><th class="n">original</th><th class="n">replay</th><th></th><th class="n">first item</th></tr></thead><tbody>
${cells.join('\n')}
</tbody></table></div>`;
}

const PLOT = { width: 900, height: 300, left: 56, right: 12, top: 12, bottom: 34 } as const;

/** One dot per item and side, in the order of the log, over a logarithmic scale of milliseconds. */
function plot(points: readonly LatencyPoint[]): string {
  if (points.length === 0) return '<p class="dim">No answers, no latencies.</p>';
  const most = Math.max(10, ...points.map(({ originalMs = 0, replayMs }) => Math.max(originalMs, replayMs)));
  const decades = Math.ceil(Math.log10(most));
  const { width, height, left, right, top, bottom } = PLOT;
  const x = (at: number): string => (left + ((width - left - right) * (at + 0.5)) / points.length).toFixed(1);
  const y = (ms: number): string =>
    (height - bottom - ((height - top - bottom) * Math.log10(Math.max(1, ms))) / decades).toFixed(1);
  const lines = Array.from({ length: decades + 1 }, (_unused, power) => {
    const level = y(10 ** power);
    return `<line class="grid" x1="${left}" x2="${width - right}" y1="${level}" y2="${level}"/><text x="${left - 6}" y="${Number(level) + 4}" text-anchor="end">${duration(10 ** power)}</text>`;
  });
  const dots = points.map(({ item, originalMs, replayMs, verdict }, at) => {
    const before =
      originalMs === undefined
        ? ''
        : `<circle class="a" cx="${x(at)}" cy="${y(originalMs)}" r="2"><title>item ${item}, original: ${originalMs} ms</title></circle>`;
    return `${before}<circle class="${isExpected(verdict) ? 'b' : 'c'}" cx="${x(at)}" cy="${y(replayMs)}" r="2.4"><title>item ${item}, replay: ${replayMs} ms (${verdict})</title></circle>`;
  });
  const foot = height - 10;
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Latency of each item, original and replay, logarithmic">
${lines.join('\n')}
${dots.join('\n')}
<text x="${left}" y="${foot}">item ${points[0]?.item ?? ''}</text><text x="${width - right}" y="${foot}" text-anchor="end">item ${points.at(-1)?.item ?? ''}</text>
<circle class="a" cx="${width / 2 - 130}" cy="${foot - 4}" r="4"/><text x="${width / 2 - 120}" y="${foot}">original</text>
<circle class="b" cx="${width / 2 - 50}" cy="${foot - 4}" r="4"/><text x="${width / 2 - 40}" y="${foot}">replay</text>
<circle class="c" cx="${width / 2 + 20}" cy="${foot - 4}" r="4"/><text x="${width / 2 + 30}" y="${foot}">replay that differs</text>
</svg>`;
}

function duration(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}

function quantiles({ summary }: ReplayReport): string {
  const row = (name: string, { count, p50, p95, max }: ReplayReport['summary']['latency']['replay']): string =>
    `<tr><td>${name}</td><td class="n">${count}</td><td class="n">${p50} ms</td><td class="n">${p95} ms</td><td class="n">${max} ms</td></tr>`;
  return `<div class="wide"><table><thead><tr><th></th><th class="n">items plotted</th><th class="n">median</th><th class="n">95 %</th><th class="n">longest</th></tr></thead><tbody>${row('original', summary.latency.original)}${row('replay', summary.latency.replay)}</tbody></table></div>`;
}

function differences({ summary }: ReplayReport): string {
  const { differences: rows, differs, noAnswer, bodyDiffers } = summary;
  if (rows.length === 0) return '<p>None.</p>';
  const all = differs + noAnswer + bodyDiffers;
  const cut = all > rows.length ? `<p class="dim">The first ${rows.length} of ${all}.</p>` : '';
  return `${cut}<div class="wide"><table><thead><tr><th class="n">item</th><th>request</th><th>original</th><th>replay</th><th>body, path by path</th></tr></thead><tbody>
${rows.map(differenceRow).join('\n')}
</tbody></table></div>`;
}

function differenceRow({ item, method, path, sentPath, original, replay, body, verdict }: Comparison): string {
  const sent = sentPath === path ? '' : `<br><span class="dim">sent to <code>${escape(sentPath)}</code></span>`;
  const side = (given: Comparison['replay'], isBad: boolean): string =>
    `<td><span${isBad ? ' class="bad"' : ''}>${statusWord(given)}</span>${given === undefined ? '' : ` <span class="dim">${given.durationMs} ms</span>`}${given?.message === undefined ? '' : `<br>${escape(given.message)}`}</td>`;
  const changes = (body ?? []).map(
    (change) =>
      `<code>${escape(change.path === '' ? '(whole)' : change.path)}</code>: <code>${escape(change.original ?? 'nothing')}</code> → <code>${escape(change.replay ?? 'nothing')}</code>`,
  );
  return `<tr><td class="n">${item}</td><td><code>${method} ${escape(path)}</code>${sent}</td>${side(original, false)}${side(replay, !isExpected(verdict))}<td>${body === undefined ? '<span class="dim">not compared</span>' : changes.join('<br>')}</td></tr>`;
}

function skips({ summary }: ReplayReport): string {
  if (summary.skips.length === 0) return '';
  const cut =
    summary.skipped > summary.skips.length ? ` (the first ${summary.skips.length} of ${summary.skipped})` : '';
  return `<h2>Not sent${cut}</h2><ul>${summary.skips.map(({ item, reason }) => `<li>item ${item}: ${escape(reason)}</li>`).join('')}</ul>`;
}
