/** Implements `CommandQueue` over a store: checks drafts, runs the sending loops, returns typed reports. */
import { systemClock, type Clock } from '../nouns/clock.js';
import type { Config } from '../nouns/config.js';
import type { QueueEvent } from '../nouns/events.js';
import { defaultTarget } from '../input/choose-target.js';
import * as read from './arguments.js';
import type { BulkSource } from '../input/bulk-source.js';
import { checkDraft, contextOf, type Draft, type DraftContext } from '../input/draft.js';
import { isAbsoluteUrl } from '../input/path.js';
import { checkWrites, readWrite, refuseConflict } from '../input/write.js';
import type { ItemDetail, ItemSummary } from '../nouns/item.js';
import type { CommandQueue, WithWhy } from './queue.js';
import type { DrainOptions, DryRunRow, WatchOptions } from '../runner/options.js';
import type { Write } from '../input/write.js';
import type { DrainReport, InspectReport, Next, StatusReport } from '../nouns/report.js';
import type { SendingDeps } from '../runner/sending.js';
import { ActiveRuns } from '../runner/active-runs.js';
import { statusAnswer } from '../policy/status-answer.js';
import { statusReport } from '../policy/status.js';
import { why } from '../policy/why.js';
import { carryOut, openDesk, type Desk } from './desk.js';
import { enqueueFrom, type EnqueueFromOptions, type EnqueueFromReport } from './enqueue-from.js';
import type { Archive } from '../store/archive.js';
import type {
  Actor,
  ChangeReport,
  EnqueueResult,
  Filter,
  HistoryEntry,
  IfQueued,
  Page,
  RunnerInfo,
  Store,
  TargetSummary,
} from '../store/store.js';
import { waitForItems } from './wait.js';
import { watchQueue } from './watch.js';

export interface LocalQueueOptions {
  store: Store;
  config: Config;
  /** False when the config is broken or missing; reading works without it. */
  configIsKnown: boolean;
  env: Readonly<Record<string, string | undefined>>;
  version: string;
  clock?: Clock;
  random?: () => number;
}

const LIST_LIMIT = 50;

export class LocalQueue implements CommandQueue {
  readonly #store: Store;
  readonly #options: LocalQueueOptions;
  readonly #clock: Clock;
  readonly #activeRuns: ActiveRuns;
  #closing: Promise<void> | undefined;

  constructor(options: LocalQueueOptions) {
    this.#store = options.store;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#activeRuns = new ActiveRuns(options.store.location);
  }

  get archive(): Archive {
    return this.#store.archive;
  }

  get location(): string {
    return this.#store.location;
  }

  async draftContext(): Promise<DraftContext> {
    const known = new Map(
      (await this.#store.targets()).map((row) => [row.name, { implicitBaseUrl: row.implicitBaseUrl }]),
    );
    return { ...contextOf(this.#options.config, this.#clock.now()), knownTarget: (name) => known.get(name) };
  }

  /**
   * Reads the queue's own targets only when the config does not decide the target: the read costs 15 % of an enqueue.
   */
  async #contextFor({ target, path }: Draft): Promise<DraftContext> {
    const context = contextOf(this.#options.config, this.#clock.now());
    const name = target ?? defaultTarget(context);
    const isSettled = path !== undefined && name !== undefined && context.targets.has(name) && !isAbsoluteUrl(path);
    return isSettled ? context : this.draftContext();
  }

  async enqueue(write: Write, options: { ifQueued?: IfQueued } = {}): Promise<EnqueueResult> {
    const draft = readWrite(write);
    const ifQueued = read.ifQueued(options, draft.entity !== undefined);
    const item = checkDraft(draft, await this.#contextFor(draft));
    const [result] = await this.#store.enqueue([item], { now: this.#clock.now(), ifQueued });
    if (result === undefined) throw new Error('the store answered nothing');
    return result;
  }

  async enqueueMany(writes: readonly Write[]): Promise<EnqueueResult[]> {
    const items = checkWrites(writes, await this.draftContext());
    const onConflict = refuseConflict(items);
    return this.#store.enqueue(items, { now: this.#clock.now(), ifQueued: 'append', onConflict });
  }

  async enqueueFrom(source: BulkSource, options: EnqueueFromOptions = {}): Promise<EnqueueFromReport> {
    const given = read.enqueueFromOptions(options);
    const context = await this.draftContext();
    return enqueueFrom(source, given, { context, store: this.#store, clock: this.#clock });
  }

  async status(): Promise<StatusReport & { headline: string[] }> {
    const { config, configIsKnown } = this.#options;
    const now = this.#clock.now();
    const report = statusReport(await this.#store.summary(now), { queue: this.location, config, configIsKnown, now });
    return { ...report, headline: statusAnswer(report, { now, terminal: false }) };
  }

  #withWhy<Item extends ItemSummary>(items: readonly Item[]): WithWhy<Item>[] {
    const view = { now: this.#clock.now(), terminal: false };
    return items.map((item) => ({ ...item, why: why(item, view) }));
  }

  async inspect(ids: readonly number[]): Promise<InspectReport & { items: WithWhy<ItemDetail>[] }> {
    const items = await this.#store.get(read.ids(ids), this.#clock.now());
    const found = new Set(items.map((item) => item.id));
    const missing = ids.filter((id) => !found.has(id));
    const pruned = missing.length === 0 ? [] : await this.#store.pruned(missing);
    return { items: this.#withWhy(items), missing, pruned };
  }

  async list(
    filter: Filter = {},
    page: { after?: number; limit?: number } = {},
  ): Promise<Page & { items: WithWhy<ItemSummary>[] }> {
    const { after, limit = LIST_LIMIT } = read.page(page);
    const found = await this.#store.select(read.filter(filter), { after, limit, now: this.#clock.now() });
    return { ...found, items: this.#withWhy(found.items) };
  }

  async attention(limit = LIST_LIMIT): Promise<Page & { items: WithWhy<ItemSummary>[] }> {
    const found = await this.#store.attention({ limit: read.limit(limit), now: this.#clock.now() });
    return { ...found, items: this.#withWhy(found.items) };
  }

  async findKey(key: string): Promise<number | undefined> {
    return this.#store.findKey(read.key(key));
  }

  async retry(
    filter: Filter,
    by: Partial<Actor> = {},
    options: { expires?: { at: number } | { delayMs: number }; dryRun?: boolean } = {},
  ): Promise<ChangeReport> {
    const { expires, dryRun = false } = read.retryOptions(options);
    const { who = 'library', command = 'retry', reason } = read.someActor(by);
    const asked = { kind: 'retry', filter: defaultToReview(read.filter(filter)), expires, dryRun } as const;
    return carryOut(this.#sending(), asked, { who, command, reason });
  }

  async next(targets: readonly string[]): Promise<Next> {
    read.targetNames(targets);
    const report = await this.status();
    const held = report.targets.find(
      ({ name, state, due, held: count }) =>
        targets.includes(name) && (state === 'auth' ? due + count > 0 : due === 0 && count > 0),
    );
    if (held !== undefined && targets.length > 0) {
      return { kind: 'held', target: held.name, state: held.state, since: held.since, reason: held.reason };
    }
    return report.runner === undefined ? { kind: 'no-runner' } : { kind: 'sending', runner: report.runner };
  }

  async runner(): Promise<RunnerInfo | undefined> {
    return this.#store.runner();
  }

  async drain(options: DrainOptions = {}): Promise<DrainReport> {
    const given = read.drainOptions(options);
    return this.#activeRuns.run(given, async (control) => {
      // Loaded late: sending is half of the core, and most commands do not send.
      const { drainQueue } = await import('../runner/sending.js');
      return drainQueue(this.#sending(), given, control);
    });
  }

  async dryRun(options: { target?: string; limit?: number } = {}): Promise<DryRunRow[]> {
    const { dryRun } = await import('../runner/dry-run.js');
    return dryRun(this.#store, this.#options.config, this.#clock.now(), read.dryRunOptions(options));
  }

  watch(options: WatchOptions = {}): AsyncIterable<QueueEvent> {
    const given = read.watchOptions(options);
    return watchQueue(this.#sending(), given, (body) => this.#activeRuns.run(given, body));
  }

  async wait(
    ids: readonly number[],
    options: { timeoutMs?: number; stop?: AbortSignal } = {},
  ): ReturnType<CommandQueue['wait']> {
    const [wanted, given] = [read.ids(ids), read.waitOptions(options)];
    const result = await this.#activeRuns.run(given, ({ signal: stop }) =>
      waitForItems(this.#store, this.#clock, wanted, { ...given, stop }),
    );
    return { ...result, items: this.#withWhy(result.items) };
  }

  async targetSummaries(): Promise<TargetSummary[]> {
    return (await this.#store.summary(this.#clock.now())).targets;
  }

  async history(filter: { item?: number; since?: number; limit?: number } = {}): Promise<HistoryEntry[]> {
    const { item, since, limit = 1000 } = read.historyFilter(filter);
    return this.#store.history({ item, since, limit });
  }

  async record(entry: Omit<HistoryEntry, 'id' | 'at'>): Promise<void> {
    return this.#store.record({ ...read.historyEntry(entry), at: this.#clock.now() });
  }

  get desk(): Desk {
    return openDesk(this.#sending());
  }

  async close(): Promise<void> {
    this.#closing ??= this.#activeRuns.end().then(() => this.#store.close());
    return this.#closing;
  }

  #sending(): SendingDeps {
    const { config, env, version, random } = this.#options;
    return { store: this.#store, config, env, version, clock: this.#clock, random: random ?? Math.random };
  }
}

/** A filter without a state means review items. */
function defaultToReview(filter: Filter): Filter {
  return filter.ids !== undefined || filter.states !== undefined ? filter : { ...filter, states: ['review'] };
}
