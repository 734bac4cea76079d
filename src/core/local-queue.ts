/** The facade over a store: checks drafts on the way in, runs the sending loops, and answers with typed reports. */
import { systemClock, type Clock } from './clock.js';
import type { Config } from './config/types.js';
import type { QueueEvent } from './events.js';
import { defaultTarget } from './input/choose-target.js';
import { checkDraft, type Draft, type DraftContext } from './input/draft.js';
import { isAbsoluteUrl } from './input/path.js';
import type { ItemDetail, NewItem } from './item.js';
import type { DrainOptions, DryRunRow, Queue, WatchOptions, Write } from './queue.js';
import type { DrainReport, InspectReport, Next, StatusReport } from './report.js';
import { dryRun } from './runner/dry-run.js';
import { drainQueue, watchQueue, type SendingDeps } from './runner/sending.js';
import { UnderWay } from './runner/under-way.js';
import { statusReport } from './status.js';
import { change as changeItems, openDesk, type Desk } from './support/desk.js';
import type { Archive } from './store/archive.js';
import type {
  Actor,
  ChangeReport,
  EnqueueResult,
  Filter,
  HistoryEntry,
  IfQueued,
  Page,
  PersonCommand,
  RunnerInfo,
  Store,
  TargetSummary,
} from './store/store.js';
import { waitForItems } from './wait.js';

export interface LocalQueueOptions {
  store: Store;
  config: Config;
  /** False when the config was broken or missing: reading goes on without it. */
  configIsKnown: boolean;
  env: Readonly<Record<string, string | undefined>>;
  version: string;
  clock?: Clock;
  random?: () => number;
}

const LIST_LIMIT = 50;

export class LocalQueue implements Queue {
  readonly #store: Store;
  readonly #options: LocalQueueOptions;
  readonly #clock: Clock;
  readonly #underWay: UnderWay;
  #closing: Promise<void> | undefined;

  constructor(options: LocalQueueOptions) {
    this.#store = options.store;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#underWay = new UnderWay(options.store.location);
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
    const { targets, defaultTarget, limits } = this.#options.config;
    return { targets, defaultTarget, limits, now: this.#clock.now(), knownTarget: (name) => known.get(name) };
  }

  /** The queue's own targets are read only where the config does not settle which one is meant: 15 % of an enqueue. */
  async #contextFor({ target, path }: Write): Promise<DraftContext> {
    const { targets, defaultTarget: usual, limits } = this.#options.config;
    const name = target ?? defaultTarget({ targets, defaultTarget: usual });
    if (path === undefined || name === undefined || !targets.has(name) || isAbsoluteUrl(path))
      return this.draftContext();
    return { targets, defaultTarget: usual, limits, now: this.#clock.now() };
  }

  async enqueue(write: Write, options: { ifQueued?: IfQueued } = {}): Promise<EnqueueResult> {
    const item = checkDraft(draftOf(write), await this.#contextFor(write));
    const [result] = await this.#store.enqueue([item], {
      now: this.#clock.now(),
      ifQueued: options.ifQueued ?? 'append',
    });
    if (result === undefined) throw new Error('the store answered nothing');
    return result;
  }

  async enqueueMany(writes: readonly Write[]): Promise<EnqueueResult[]> {
    const context = await this.draftContext();
    const items = writes.map((write) => checkDraft(draftOf(write), context));
    return this.#store.enqueue(items, { now: this.#clock.now(), ifQueued: 'append' });
  }

  async bulk(
    batches: AsyncIterable<readonly NewItem[]>,
    { mode }: { mode: 'atomic' | 'stream' },
  ): ReturnType<Queue['bulk']> {
    const now = (): number => this.#clock.now();
    if (mode === 'atomic') return this.#store.bulk(batches, { now });
    const sum: Awaited<ReturnType<Queue['bulk']>> = { firstId: undefined, lastId: undefined, count: 0, duplicates: 0 };
    for await (const batch of batches) {
      for (const { id, duplicate } of await this.#store.enqueue(batch, { now: now(), ifQueued: 'append' })) {
        sum.firstId ??= id;
        sum.lastId = id;
        sum.count += 1;
        if (duplicate) sum.duplicates += 1;
      }
    }
    return sum;
  }

  async status(): Promise<StatusReport> {
    const { config, configIsKnown } = this.#options;
    const now = this.#clock.now();
    return statusReport(await this.#store.summary(now), { queue: this.location, config, configIsKnown, now });
  }

  async inspect(ids: readonly number[]): Promise<InspectReport> {
    const items = await this.#store.get(ids, this.#clock.now());
    const found = new Set(items.map((item) => item.id));
    return { items, missing: ids.filter((id) => !found.has(id)) };
  }

  async list(filter: Filter, page: { after?: number; limit?: number } = {}): Promise<Page> {
    return this.#store.select(filter, { after: page.after, limit: page.limit ?? LIST_LIMIT, now: this.#clock.now() });
  }

  async attention(limit = LIST_LIMIT): Promise<Page> {
    return this.#store.attention({ limit, now: this.#clock.now() });
  }

  async findKey(key: string): Promise<number | undefined> {
    return this.#store.findKey(key);
  }

  async retry(
    filter: Filter,
    by: Partial<Actor> = {},
    options: { expires?: { at: number } | { delayMs: number }; dryRun?: boolean } = {},
  ): Promise<ChangeReport> {
    const command: PersonCommand = {
      kind: 'retry',
      filter: defaultToReview(filter),
      expires: options.expires,
      dryRun: options.dryRun ?? false,
    };
    return this.change(command, { who: by.who ?? 'library', command: by.command ?? 'retry', reason: by.reason });
  }

  async change(command: PersonCommand, by: Actor): Promise<ChangeReport> {
    return changeItems(this.#sending(), command, by);
  }

  async next(targets: readonly string[]): Promise<Next> {
    const report = await this.status();
    const held = report.targets.find((target) => targets.includes(target.name) && target.due === 0 && target.held > 0);
    if (held !== undefined && targets.length > 0) {
      return { kind: 'held', target: held.name, state: held.state, since: held.since, reason: held.reason };
    }
    return report.runner === undefined ? { kind: 'no-runner' } : { kind: 'sending', runner: report.runner };
  }

  async runner(): Promise<RunnerInfo | undefined> {
    return this.#store.runner();
  }

  async drain(options: DrainOptions = {}): Promise<DrainReport> {
    return this.#underWay.run(options, (control) => drainQueue(this.#sending(), options, control));
  }

  async dryRun(options: { target?: string; limit?: number } = {}): Promise<DryRunRow[]> {
    return dryRun(this.#store, this.#options.config, this.#clock.now(), options);
  }

  watch(options: WatchOptions = {}): AsyncIterable<QueueEvent> {
    return watchQueue(this.#sending(), options, (body) => this.#underWay.run(options, body));
  }

  async wait(
    ids: readonly number[],
    options: { timeoutMs?: number; stop?: AbortSignal } = {},
  ): Promise<{ done: boolean; failed: boolean; items: ItemDetail[] }> {
    return this.#underWay.run(options, ({ signal: stop }) =>
      waitForItems(this.#store, this.#clock, ids, { ...options, stop }),
    );
  }

  async targetSummaries(): Promise<TargetSummary[]> {
    return (await this.#store.summary(this.#clock.now())).targets;
  }

  async history(filter: { item?: number; since?: number; limit?: number } = {}): Promise<HistoryEntry[]> {
    return this.#store.history({ item: filter.item, since: filter.since, limit: filter.limit ?? 1000 });
  }

  async record(entry: Omit<HistoryEntry, 'id' | 'at'>): Promise<void> {
    return this.#store.record({ ...entry, at: this.#clock.now() });
  }

  get desk(): Desk {
    return openDesk(this.#sending());
  }

  async close(): Promise<void> {
    this.#closing ??= this.#underWay.end().then(() => this.#store.close());
    return this.#closing;
  }

  #sending(): SendingDeps {
    const { config, env, version, random } = this.#options;
    return { store: this.#store, config, env, version, clock: this.#clock, random: random ?? Math.random };
  }
}

function draftOf({ json, body, ...draft }: Write): Draft {
  if (json !== undefined) {
    // An object with `toJSON` may answer nothing: then there is no payload, as JSON.stringify would have it.
    const text = JSON.stringify(json) as string | undefined;
    return text === undefined ? draft : { ...draft, payload: { kind: 'text', text } };
  }
  if (body === undefined) return draft;
  return {
    ...draft,
    payload: typeof body === 'string' ? { kind: 'text', text: body } : { kind: 'bytes', bytes: body },
  };
}

/** A filter without a state means what waits for a person. */
function defaultToReview(filter: Filter): Filter {
  return filter.ids !== undefined || filter.states !== undefined ? filter : { ...filter, states: ['review'] };
}
