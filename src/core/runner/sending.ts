/** Sets a runner up and takes it down: the right to send, the channels, the loop, and the report at the end. */
import type { Clock } from '../nouns/clock.js';
import type { Config } from '../nouns/config.js';
import { isQueueError } from '../nouns/errors.js';
import { runnerIdentity } from '../nouns/host.js';
import type { DrainOptions, WatchOptions } from './options.js';
import type { DrainReport, StatusReport, TargetStatus } from '../nouns/report.js';
import { statusReport } from '../policy/status.js';
import type { LastRun, RunnerIdentity, RunnerInfo, RunSummary, Session, Store, Summary } from '../store/store.js';
import { maintain, maintainAlways } from './maintain.js';
import { Channels } from './channels.js';
import { drainLoop } from './drain.js';
import { assertTarget } from './assert-target.js';
import { CallerCallbacks } from './caller-callbacks.js';
import { TargetPreparation } from './target-preparation.js';
import { Runner } from './runner.js';
import { watchLoop } from './watch.js';

export interface SendingDeps {
  store: Store;
  config: Config;
  env: Readonly<Record<string, string | undefined>>;
  version: string;
  clock: Clock;
  random: () => number;
}

/** Requests in flight of a `watch`, over all targets, unless told otherwise. */
export const WATCH_CONCURRENCY = 4;

/** Time that a drain gives the retention rules at its end, when they are due; ms. */
const MAINTAIN_MS = 2_000;

/** How often a `watch` that stands by asks whether the other runner has gone, ms. */
const STANDBY_MS = 400;

const never = (): AbortSignal => new AbortController().signal;

interface Sending {
  runner: Runner;
  session: Session;
  channels: Channels;
  preparation: TargetPreparation;
}

/** How a run ended, for `status` to tell. */
type Ending = Pick<RunSummary, 'exitCode' | 'delivered' | 'remaining'>;

/**
 * Runs `body` with the right to send, or answers who has it. Once it is acquired, every error passes the one place that
 * gives it back.
 */
async function withSession<T>(
  deps: SendingDeps,
  kind: RunnerIdentity['kind'],
  options: DrainOptions,
  probing: 'once' | 'always',
  body: (sending: Sending) => Promise<{ value: T; ending: Ending }>,
): Promise<{ value: T } | { heldBy: RunnerInfo | undefined }> {
  const { store, clock, config, env, version, random } = deps;
  const concurrency = options.concurrency ?? (kind === 'watch' ? WATCH_CONCURRENCY : 1);
  const channels = new Channels(config, { env, clock, version, concurrency }, random);
  const startedAt = clock.now();
  const session = await store.acquire(runnerIdentity(kind), channels.policy(), startedAt);
  if ('heldBy' in session) return session;
  const cleanUp = new AbortController();
  let runner: Runner | undefined;
  let ending: Ending | undefined;
  try {
    try {
      const preparation = new TargetPreparation(channels, clock, { probing, random, signal: cleanUp.signal });
      runner = new Runner(
        { store, session, channels, clock, preparation },
        {
          concurrency,
          limit: options.limit,
          target: options.target,
          stop: options.stop ?? never(),
          abort: options.abort ?? never(),
          onEvent: options.onEvent ?? (() => undefined),
        },
      );
      await runner.start();
      const result = await body({ runner, session, channels, preparation });
      ending = result.ending;
      return { value: result.value };
    } finally {
      cleanUp.abort();
      runner?.dispose();
      await channels.destroy();
    }
  } finally {
    const broken = { exitCode: 1, delivered: runner?.reporter.delivered ?? 0, remaining: 0 };
    await session.end({ kind, startedAt, endedAt: clock.now(), ...(ending ?? broken) });
  }
}

/**
 * Sends what is due, then ends.
 *
 * @param control its signal is the stop of this run; aborted from here when a listener throws
 */
export async function drainQueue(
  deps: SendingDeps,
  options: DrainOptions,
  control: AbortController,
): Promise<DrainReport> {
  const { store, clock } = deps;
  const { target, wait = false } = options;
  const stop = control.signal;
  const kind = options.kind ?? 'drain';
  const begun = clock.monotonic();
  await assertTarget(deps, target);
  const finished = async (part: Counted): Promise<DrainReport> => {
    const left = await remains(deps, target);
    const needsPerson = left.needsPerson || part.review > 0;
    // Items left by --limit are left on purpose.
    const tryLater = left.tryLater || (left.remaining.due > 0 && part.stopped !== 'limit');
    // Heads of paused entities are not ready, so the loop does not see them.
    const stopped = part.stopped === 'drained' && left.remaining.held > 0 ? 'held' : part.stopped;
    return { ...part, ...left, stopped, needsPerson, tryLater, durationMs: Math.round(clock.monotonic() - begun) };
  };
  const nothing = { attempts: 0, delivered: 0, failed: 0, review: 0, runner: undefined };
  const summary = await store.summary(clock.now());
  if (isEmpty(summary)) {
    if (summary.runner !== undefined) return finished({ ...nothing, stopped: 'other-runner', runner: summary.runner });
    await recordEmptyRun(deps, kind, summary.lastRun);
    await maintain(deps, MAINTAIN_MS, stop);
    return finished({ ...nothing, stopped: 'drained' });
  }
  const callbacks = new CallerCallbacks(() => control.abort());
  const deadline = options.maxTimeMs === undefined ? undefined : begun + options.maxTimeMs;
  const outcome = await withSession(
    deps,
    kind,
    { ...options, stop, onEvent: callbacks.guard(options.onEvent) },
    wait ? 'always' : 'once',
    async ({ runner }) => {
      const stopped = await drainLoop(runner, { clock, stop, wait, deadline });
      await maintain(deps, MAINTAIN_MS, stop);
      callbacks.assertNoneThrew();
      const { attempts, reporter } = runner;
      const { delivered, failed, review } = reporter;
      const report = await finished({ stopped, attempts, delivered, failed, review, runner: undefined });
      const exitCode = options.stopCode?.() ?? (report.needsPerson ? 3 : report.tryLater ? 4 : 0);
      return { value: report, ending: { exitCode, delivered, remaining: total(report.remaining) } };
    },
  );
  if ('heldBy' in outcome) return finished({ ...nothing, stopped: 'other-runner', runner: outcome.heldBy });
  return outcome.value;
}

/** What a drain counted itself. */
type Counted = Omit<DrainReport, 'remaining' | 'held' | 'needsPerson' | 'tryLater' | 'durationMs'>;

/** Also no deadline can pass where nothing is unfinished; and a copy is refused whatever it holds. */
function isEmpty({ targets, copyOf }: Summary): boolean {
  return copyOf === undefined && targets.every((target) => target.pending + target.sending === 0);
}

/**
 * A cron job with nothing to do must not write every minute. It writes only after a run that did not end well, so that
 * `status` and the metrics do not report that run until the next item comes.
 */
async function recordEmptyRun(
  { store, clock, config, env, version, random }: SendingDeps,
  kind: RunnerIdentity['kind'],
  lastRun: LastRun | undefined,
): Promise<void> {
  if (lastRun === undefined || lastRun.exitCode === 0) return;
  const now = clock.now();
  try {
    const channels = new Channels(config, { env, clock, version }, random);
    const session = await store.acquire(runnerIdentity(kind), channels.policy(), now);
    if ('heldBy' in session) return;
    await session.end({ kind, startedAt: now, endedAt: clock.now(), exitCode: 0, delivered: 0, remaining: 0 });
  } catch {
    // The record of a run is not a promise: a full disk must not fail a run that has nothing to do.
  }
}

/** What is left, and whether it needs a person or only time. */
async function remains(
  { store, config, clock }: SendingDeps,
  target: string | undefined,
): Promise<Pick<DrainReport, 'remaining' | 'held' | 'needsPerson' | 'tryLater'>> {
  const now = clock.now();
  const only = target === undefined ? undefined : [target];
  const [summary, leftovers] = [await store.summary(now), await store.leftovers(only)];
  const status = statusReport(summary, { queue: store.location, config, configIsKnown: true, now });
  const targets = status.targets.filter((row) => target === undefined || row.name === target);
  const sum = (pick: (row: (typeof targets)[number]) => number): number =>
    targets.reduce((total, row) => total + pick(row), 0);
  // A refused credential needs a person, even when the hold is over and one item may test it.
  const stuck = targets.filter((row) => row.held > 0 || (row.state === 'auth' && row.due > 0));
  const forPerson = stuck.some((row) => row.state === 'auth' || row.state === 'misconfigured');
  const timed = targets.filter((row) => row.state !== 'auth' && row.state !== 'misconfigured');
  return {
    remaining: {
      due: sum((row) => row.due),
      waiting: sum((row) => row.waiting),
      blocked: sum((row) => row.blocked),
      held: sum((row) => row.held),
    },
    held: stuck.map((row) => heldBy(row, status.pausedEntities)),
    needsPerson: forPerson || leftovers.behindReview,
    tryLater: timed.some((row) => row.held > 0) || leftovers.backingOff,
  };
}

/** What holds the items of a target: its own state, or else pauses of entities. */
function heldBy(
  { name, state, reason, until }: TargetStatus,
  pausedEntities: StatusReport['pausedEntities'],
): DrainReport['held'][number] {
  if (state !== 'online' && state !== 'untried' && state !== 'suspect') return { target: name, state, reason, until };
  const pauses = pausedEntities.map(
    ({ entity, reason: why }) => `${entity.type}/${entity.id}${why === undefined ? '' : `: ${why}`}`,
  );
  const ends = pausedEntities.map((pause) => pause.until).filter((end) => end !== undefined);
  const first = ends.length === 0 ? undefined : Math.min(...ends);
  const which = pauses.length === 1 ? 'only entity' : 'only entities';
  return { target: name, state: 'paused', reason: `${which} ${pauses.join(', ')}`, until: first };
}

function total(remaining: DrainReport['remaining']): number {
  return Object.values(remaining).reduce((sum, count) => sum + count, 0);
}

export type Watching = WatchOptions & Required<Pick<WatchOptions, 'stop' | 'onEvent' | 'onTurn' | 'onUnknownTarget'>>;

/** The background loop, until its stop aborts. */
export async function watchUntilStopped(deps: SendingDeps, options: Watching): Promise<void> {
  const { store, clock, env } = deps;
  const { stop, onEvent, onTurn, onUnknownTarget } = options;
  if (options.isReload !== true) await assertTarget(deps, options.target);
  let toldStandby = false;
  while (!stop.aborted) {
    onTurn();
    const outcome = await withSession(
      deps,
      'watch',
      options,
      'always',
      async ({ runner, session, channels, preparation }) => {
        toldStandby = false;
        runner.reporter.emit({ event: 'started', at: clock.now(), kind: 'watch', pid: runnerIdentity('watch').pid });
        const ended = new AbortController();
        const maintenance = maintainAlways(deps, ended.signal);
        try {
          await watchLoop(runner, { clock, env, store, session, channels, preparation, stop, onTurn, onUnknownTarget });
        } finally {
          ended.abort();
          await maintenance;
        }
        const remaining = total((await remains(deps, options.target)).remaining);
        const { delivered } = runner.reporter;
        return { value: undefined, ending: { exitCode: options.stopCode?.() ?? 0, delivered, remaining } };
      },
    ).catch(async (error: unknown) => ({ heldBy: await otherRunner(error, store) }));
    if (!('heldBy' in outcome)) break;
    if (!toldStandby) onEvent({ event: 'standby', at: clock.now(), runner: outcome.heldBy });
    toldStandby = true;
    await clock.sleep(STANDBY_MS, stop);
  }
  onEvent({ event: 'stopped', at: clock.now(), reason: 'signal' });
}

/** A long transaction of somebody else, or a runner that took over: no reason to end a service. @throws any other error */
async function otherRunner(error: unknown, store: Store): Promise<RunnerInfo | undefined> {
  if (isQueueError(error) && (error.code === 'busy' || error.code === 'other-runner')) return store.runner();
  throw error;
}
