/** `replay`: target, copies, ledger and report. */
import { extname } from 'node:path';
import { systemClock } from '../../core/nouns/clock.js';
import { secretNames } from '../../core/config/secret-names.js';
import { checkPattern, compileSensitive, EVERYTHING } from '../../core/privacy/sensitive.js';
import type { Config } from '../../core/nouns/config.js';
import type { Filter } from '../../core/index.js';
import { VERSION } from '../../core/index.js';
import type { Comparison } from '../../core/replay/compare.js';
import { ignoring } from '../../core/replay/json-diff.js';
import type { ReplayLedger } from '../../core/store/replay-ledger.js';
import { openLedger } from '../../core/store/doors/replay-ledger.js';
import type { RequestChanges } from '../../core/replay/plan.js';
import { parseHeaderFlags, parsePathRule, replayTarget } from '../../core/replay/plan.js';
import { refuseProduction } from '../../core/replay/production.js';
import type { PlannedRequest, ReplayReport } from '../../core/replay/replay.js';
import { planReplay, replay } from '../../core/replay/replay.js';
import type { TargetConfig } from '../../core/nouns/target.js';
import { AtomicFile } from '../../core/files/atomic-file.js';
import type { JsonObject } from '../../render/json.js';
import { jsonLine } from '../../render/json.js';
import { comparisonDocument, plannedDocument, plannedTable, replayDocument } from '../../render/replay.js';
import { replayReportHtml } from '../../render/replay-report.js';
import type { Look } from '../../render/style.js';
import { environment } from '../program/environment.js';
import { EXIT, exitCodeOfSignal, type ExitCode, type StopSignal } from '../program/exit-codes.js';
import { ownDirectory } from '../program/home.js';
import type { CliQueue } from '../queue/open-queue.js';
import { refuseQueueFile } from '../program/output-file.js';
import { countWords, itemWords, refuseUsage } from '../program/usage.js';

/** As named on the command line. */
export interface ReplayFlags {
  to: string;
  concurrency: number;
  rate?: string | undefined;
  'set-header'?: readonly string[] | undefined;
  'map-path'?: readonly string[] | undefined;
  ignore?: readonly string[] | undefined;
  exact: boolean;
  again: boolean;
  report?: string | undefined;
  'allow-production': boolean;
}

export interface ReplayContext {
  filter: Filter;
  dataDir: string;
  now: number;
  stop: AbortSignal;
  abort: AbortSignal;
  onProgress: (done: number, total: number) => void;
}

/** Up to this many items --json lists all of them; beyond it only those that differ. */
const MOST_LISTED = 1_000;

interface Prepared {
  target: TargetConfig;
  changes: RequestChanges;
  openLedger: (mode: 'read' | 'write') => ReplayLedger | undefined;
}

/** @throws {QueueError} unknown-target, confirm-needed, usage */
async function prepare({ queue, config }: CliQueue, flags: ReplayFlags, dataDir: string): Promise<Prepared> {
  const target = replayTarget(config, flags.to);
  if (!flags['allow-production']) refuseProduction(target, await queue.archive.recipients(), config);
  const changes = {
    paths: (flags['map-path'] ?? []).map(parsePathRule),
    ...parseHeaderFlags(flags['set-header'] ?? [], target),
  };
  const { uuid } = await queue.archive.identity();
  return {
    target,
    changes,
    openLedger: (mode) =>
      openLedger(
        ownDirectory(dataDir, 'DATA', environment()),
        { queue: uuid, target: target.name, baseUrl: target.baseUrl },
        mode,
      ),
  };
}

export interface DryAnswer {
  document: JsonObject;
  lines: string[];
  talk: string[];
}

/** Lists what would be sent. Sends nothing and creates no ledger. */
export async function dryReplay(
  opened: CliQueue,
  flags: ReplayFlags,
  { filter, dataDir }: Pick<ReplayContext, 'filter' | 'dataDir'>,
  look: Look,
): Promise<DryAnswer> {
  const { target, changes, openLedger: open } = await prepare(opened, flags, dataDir);
  const ledger = flags.again ? undefined : open('read');
  const listed: PlannedRequest[] = [];
  let [count, skipped] = [0, 0];
  const missing = new Set(filter.ids);
  try {
    for await (const request of planReplay(opened.queue.archive, filter, target, changes, ledger)) {
      count += 1;
      missing.delete(request.item);
      if (request.skipped !== undefined) skipped += 1;
      if (count <= MOST_LISTED) listed.push(request);
    }
  } finally {
    ledger?.close();
  }
  return {
    document: {
      target: target.name,
      baseUrl: target.baseUrl,
      count: count - skipped,
      skipped,
      missing: [...missing],
      requests: listed.map(plannedDocument),
    },
    lines: await plannedTable(listed, look),
    talk: [
      `${countWords(count - skipped, 'request')} would be sent to ${target.baseUrl}${skipped === 0 ? '' : `, ${countWords(skipped)} skipped`}${count > listed.length ? `; the first ${listed.length} are listed` : ''}`,
      ...(missing.size === 0 ? [] : [`there is no ${itemWords([...missing])}`]),
    ],
  };
}

export interface ReplayAnswer {
  report: ReplayReport;
  document: JsonObject;
}

export async function replayItems(opened: CliQueue, flags: ReplayFlags, context: ReplayContext): Promise<ReplayAnswer> {
  const { queue, config, maskAll } = opened;
  const rate = ratePerSecond(flags.rate);
  const { target, changes, openLedger: open } = await prepare(opened, flags, context.dataDir);
  if (flags.report !== undefined) refuseQueueFile(flags.report, queue.location);
  const writer = flags.report === undefined ? undefined : reportWriter(flags.report);
  const ledger = open('write');
  const listed: Comparison[] = [];
  let count = 0;
  try {
    if (ledger === undefined) throw new Error('a ledger that is written is always there');
    if (flags.again) ledger.startAnew();
    const report = await replay({
      archive: queue.archive,
      filter: context.filter,
      target,
      changes,
      ledger,
      concurrency: flags.concurrency,
      ratePerSecond: rate ?? target.ratePerSecond,
      rules: {
        ignore: ignoredPaths(flags, config),
        sensitive: maskAll ? EVERYTHING : compileSensitive(config.sensitive),
      },
      clock: systemClock,
      env: environment(),
      secretEnv: secretNames(config),
      version: VERSION,
      stop: context.stop,
      abort: context.abort,
      onProgress: context.onProgress,
      onComparison: (comparison) => {
        writer?.add(comparison);
        if (count++ < MOST_LISTED) listed.push(comparison);
      },
    });
    writer?.finish(report, context.now);
    const isWhole = count <= MOST_LISTED;
    return {
      report,
      document: {
        ...replayDocument(report),
        report: flags.report ?? null,
        itemsAre: isWhole ? 'all' : 'differences',
        items: (isWhole ? listed : report.summary.differences).map(comparisonDocument),
      },
    };
  } finally {
    ledger?.close();
    writer?.discard();
  }
}

/** 3 wins over 4: a difference needs a person, what is left goes on by itself. */
export function replayExitCode({ summary, stopped }: ReplayReport, signal: StopSignal | undefined): ExitCode {
  if (stopped === 'signal') return exitCodeOfSignal(signal ?? 'SIGTERM');
  if (summary.count === 0) return EXIT.nothingMatched;
  if (summary.differs > 0 || summary.noAnswer > 0 || stopped === 'auth' || stopped === 'misconfigured')
    return EXIT.needsPerson;
  return stopped === 'done' ? EXIT.ok : EXIT.tryLater;
}

function ignoredPaths({ ignore = [], exact }: ReplayFlags, config: Config): ReturnType<typeof ignoring> {
  for (const pattern of ignore) {
    const fault = checkPattern(pattern);
    if (fault !== undefined) refuseUsage(`--ignore ${pattern} ${fault}`);
  }
  return ignoring([...(config.replay?.ignore ?? []), ...ignore], exact);
}

/** `20/s`, `100/m`, `5000/h`; a bare number is per second. */
function ratePerSecond(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const match = /^([1-9]\d{0,5})(?:\/([smh]))?$/.exec(text);
  if (match === null) return refuseUsage('--rate is not a rate', 'Write 20/s, 100/m or 5000/h.');
  return Number(match[1]) / { s: 1, m: 60, h: 3600 }[(match[2] ?? 's') as 's' | 'm' | 'h'];
}

interface ReportWriter {
  add(comparison: Comparison): void;
  finish(report: ReplayReport, now: number): void;
  discard(): void;
}

/** JSON lists every item, written as it arrives; HTML has the summary and the differences. */
function reportWriter(path: string): ReportWriter {
  const kind = extname(path).toLowerCase();
  if (kind !== '.html' && kind !== '.json') refuseUsage('--report names neither an .html nor a .json file');
  const file = new AtomicFile(path);
  let first = true;
  if (kind === '.json') file.write('{"items":[\n');
  return {
    add: (comparison) => {
      if (kind === '.html') return;
      file.write(`${first ? '' : ','}${jsonLine(comparisonDocument(comparison))}`);
      first = false;
    },
    finish: (report, now) => {
      if (kind === '.html') file.write(replayReportHtml(report, new Date(now).toISOString()));
      else file.write(`],"summary":${jsonLine(replayDocument(report)).trimEnd()}}\n`);
      file.commit(() => undefined);
    },
    discard: () => file.discard(),
  };
}
