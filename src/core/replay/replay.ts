/**
 * Sends copies of items to another target and compares the answers. The queue is only read. A ledger of its own records
 * what was sent, so that an interrupted replay resumes with the same keys.
 */
import type { Clock } from '../nouns/clock.js';
import type { StoredRequest } from '../nouns/item.js';
import type { Archive, ArchivedItem, ArchivedTarget } from '../store/archive.js';
import type { Filter } from '../store/store.js';
import type { TargetConfig } from '../nouns/target.js';
import { walk } from '../transfer/export.js';
import { answeredAttempt, compareItem, type Comparison } from './compare.js';
import { Courier, type Halt } from './courier.js';
import type { DiffRules } from './json-diff.js';
import { workInLanes, type Job } from './lanes.js';
import type { ReplayLedger } from '../store/replay-ledger.js';
import { copyOf, replayLane, unsendable, type RequestChanges } from './plan.js';
import { SummaryMaker, type ReplaySummary } from './summary.js';

/** Items that are read ahead: enough to find other lanes, few enough for any payload size. */
const WINDOW_JOBS = 1_000;
const WINDOW_BYTES = 16 * 1024 * 1024;
/** Time for requests in flight after the first signal, ms. */
const GRACE_MS = 10_000;

export interface ReplayOptions {
  archive: Archive;
  filter: Filter;
  target: TargetConfig;
  changes: RequestChanges;
  ledger: ReplayLedger;
  concurrency: number;
  ratePerSecond: number | undefined;
  rules: DiffRules;
  clock: Clock;
  env: Readonly<Record<string, string | undefined>>;
  secretEnv: readonly string[];
  version: string;
  /** The first signal ends the replay after the requests in flight (10 s at most), the second at once. */
  stop: AbortSignal;
  abort: AbortSignal;
  onProgress: (done: number, total: number) => void;
  /** Called for every item in the order of the log, after everything was sent. */
  onComparison: (comparison: Comparison) => void;
}

export interface ReplayReport {
  target: string;
  baseUrl: string;
  ledger: string;
  /** Requests that were answered in this run. */
  sent: number;
  /** Items whose request was answered in an earlier run and was not sent again. */
  earlier: number;
  /** Chosen items that have no answer yet and can still get one. */
  remaining: number;
  stopped: 'done' | 'signal' | Halt['why'];
  /** Why it stopped early. */
  message: string | undefined;
  durationMs: number;
  /** Requested ids that the queue does not have. */
  missing: number[];
  summary: ReplaySummary;
}

export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const { clock, target, ledger } = options;
  const startedAt = clock.monotonic();
  const courier = await Courier.open(target, options.ratePerSecond, options);
  const run = new ReplayRun(options);
  if (courier instanceof Courier) {
    try {
      await run.send(courier);
    } finally {
      await courier.close();
    }
  } else run.halt(courier);
  const summary = await run.compare();
  return {
    target: target.name,
    baseUrl: target.baseUrl,
    ledger: ledger.location,
    sent: run.sent,
    earlier: run.earlier,
    remaining: run.remaining,
    stopped: run.halted?.why ?? (options.stop.aborted ? 'signal' : 'done'),
    message: run.halted?.message,
    durationMs: Math.round(clock.monotonic() - startedAt),
    missing: run.missing,
    summary,
  };
}

/** An item and the request for its copy. */
interface Copy {
  item: ArchivedItem;
  request: StoredRequest;
}

class ReplayRun {
  readonly #options: ReplayOptions;
  readonly #over = new AbortController();
  readonly #sentNow = new Set<number>();
  halted: Halt | undefined;
  sent = 0;
  earlier = 0;
  remaining = 0;
  missing: number[] = [];

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  halt(halt: Halt): void {
    this.halted ??= halt;
    this.#over.abort();
  }

  async send(courier: Courier): Promise<void> {
    const { archive, clock, concurrency } = this.#options;
    const orders = new Map((await archive.targets()).map(({ name, order }) => [name, order]));
    const stop = AbortSignal.any([this.#options.stop, this.#over.signal]);
    const cut = new AbortController();
    const ended = new AbortController();
    stop.addEventListener('abort', () => void clock.sleep(GRACE_MS, ended.signal).then(() => cut.abort()), {
      once: true,
    });
    const abort = AbortSignal.any([this.#options.abort, cut.signal]);
    try {
      await workInLanes(this.#jobs(orders), (copy) => this.#deliver(courier, copy, stop, abort), {
        concurrency,
        windowJobs: WINDOW_JOBS,
        windowBytes: WINDOW_BYTES,
        stop,
      });
    } finally {
      ended.abort();
    }
  }

  async *#jobs(orders: ReadonlyMap<string, ArchivedTarget['order']>): AsyncGenerator<Job<Copy>> {
    const { archive, filter, ledger, changes, onProgress } = this.#options;
    const { count } = await archive.extent(filter);
    let read = 0;
    for await (const page of walk(archive, filter)) {
      for (const item of page) {
        read += 1;
        onProgress(read, count);
        if (unsendable(item) !== undefined) continue;
        const request = copyOf(item, changes, ledger.family);
        if (ledger.get(request.idempotencyKey)?.response !== undefined) continue;
        yield { value: { item, request }, lane: replayLane(item, orders), bytes: item.payload?.length ?? 0 };
      }
    }
  }

  async #deliver(courier: Courier, { item, request }: Copy, stop: AbortSignal, abort: AbortSignal): Promise<void> {
    const { ledger } = this.#options;
    const delivery = await courier.deliver(request, answeredAttempt(item)?.status, stop, abort);
    if (delivery.kind === 'halt') {
      this.halt(delivery.halt);
      return;
    }
    const { at, durationMs } = delivery;
    const isAnswer = delivery.kind === 'answer';
    if (!isAnswer && stop.aborted) return;
    ledger.put(request.idempotencyKey, {
      at,
      durationMs,
      response: isAnswer ? delivery.response : undefined,
      message: isAnswer ? undefined : delivery.message,
    });
    if (isAnswer) this.sent += 1;
    this.#sentNow.add(item.id);
  }

  /** A second pass: it reports in the order of the log and includes what an earlier run sent. */
  async compare(): Promise<ReplaySummary> {
    const { archive, filter, ledger, rules, changes, onComparison } = this.#options;
    const maker = new SummaryMaker();
    const named = new Set(filter.ids);
    for await (const page of walk(archive, filter)) {
      for (const item of page) {
        named.delete(item.id);
        const reason = unsendable(item);
        const { path, idempotencyKey } = copyOf(item, changes, ledger.family);
        const entry = reason === undefined ? ledger.get(idempotencyKey) : undefined;
        const earlier = entry !== undefined && !this.#sentNow.has(item.id);
        if (earlier && entry.response !== undefined) this.earlier += 1;
        if (reason === undefined && entry?.response === undefined) this.remaining += 1;
        const comparison = compareItem(item, path, entry, { reason, earlier, rules });
        maker.add(comparison);
        onComparison(comparison);
      }
    }
    this.missing = [...named];
    return maker.finish();
  }
}

export interface PlannedRequest {
  item: number;
  operation: string;
  method: string;
  url: string;
  payloadBytes: number | undefined;
  /** Why it would be skipped. */
  skipped: string | undefined;
}

/** Lists what a replay would send, in the order of the log. Sends and writes nothing. */
export async function* planReplay(
  archive: Archive,
  filter: Filter,
  target: TargetConfig,
  changes: RequestChanges,
  ledger: ReplayLedger | undefined,
): AsyncGenerator<PlannedRequest> {
  for await (const page of walk(archive, filter)) {
    for (const item of page) {
      const { path, idempotencyKey } = copyOf(item, changes, ledger?.family ?? '');
      const isDone = ledger?.get(idempotencyKey)?.response !== undefined;
      yield {
        item: item.id,
        operation: item.operation,
        method: item.method,
        url: target.baseUrl + path,
        payloadBytes: item.payloadBytes,
        skipped: unsendable(item) ?? (isDone ? 'was replayed before' : undefined),
      };
    }
  }
}
