/** Sets a runner up and takes it down: the right to send, the channels, the loop, and the report at the end. */
import type { Clock } from '../clock.js';
import type { Config } from '../config/types.js';
import { isQueueError, QueueError } from '../errors.js';
import type { QueueEvent } from '../events.js';
import { runnerIdentity } from '../host.js';
import type { DrainOptions, WatchOptions } from '../queue.js';
import type { DrainReport } from '../report.js';
import { statusReport } from '../status.js';
import type { RunnerIdentity, RunnerInfo, Session, Store } from '../store/store.js';
import { maintain, maintainAlways } from '../support/maintain.js';
import { Channels } from './channels.js';
import { drainLoop } from './drain.js';
import { EventStream } from './event-stream.js';
import { Readying } from './readying.js';
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
  readying: Readying;
}

/** Runs `body` with the right to send; answers who has it when it cannot be had. */
async function withSession<T>(
  deps: SendingDeps,
  kind: RunnerIdentity['kind'],
  options: DrainOptions,
  probing: 'once' | 'always',
  body: (sending: Sending) => Promise<T>,
): Promise<{ value: T; startedAt: number; session: Session } | { heldBy: RunnerInfo | undefined }> {
  const { store, clock, config, env, version, random } = deps;
  const concurrency = options.concurrency ?? (kind === 'watch' ? WATCH_CONCURRENCY : 1);
  const channels = new Channels(config, { env, clock, version, concurrency }, random);
  const startedAt = clock.now();
  const session = await store.acquire(runnerIdentity(kind), channels.policy(), startedAt);
  if ('heldBy' in session) return session;
  const cleanUp = new AbortController();
  const readying = new Readying(channels, clock, { probing, random, signal: cleanUp.signal });
  const runner = new Runner(
    { store, session, channels, clock, readying },
    {
      concurrency,
      limit: options.limit,
      target: options.target,
      stop: options.stop ?? never(),
      abort: options.abort ?? never(),
      onEvent: options.onEvent ?? (() => undefined),
    },
  );
  let delivered = false;
  try {
    await runner.start();
    const value = await body({ runner, session, channels, readying });
    delivered = true;
    return { value, startedAt, session };
  } finally {
    cleanUp.abort();
    runner.dispose();
    await channels.destroy();
    if (!delivered)
      await session.end({
        kind,
        startedAt,
        endedAt: clock.now(),
        exitCode: 1,
        delivered: runner.reporter.delivered,
        remaining: 0,
      });
  }
}

export async function drainQueue(deps: SendingDeps, options: DrainOptions): Promise<DrainReport> {
  const { store, clock } = deps;
  const kind = options.kind ?? 'drain';
  const begun = clock.monotonic();
  await assertTarget(deps, options.target);
  const finished = async (
    part: Omit<DrainReport, 'remaining' | 'held' | 'needsPerson' | 'tryLater' | 'durationMs'>,
  ): Promise<DrainReport> => {
    const left = await remains(deps, options.target);
    const needsPerson = left.needsPerson || part.review > 0;
    // What a --limit left is left on purpose.
    const tryLater = left.tryLater || (left.remaining.due > 0 && part.stopped !== 'limit');
    return { ...part, ...left, needsPerson, tryLater, durationMs: Math.round(clock.monotonic() - begun) };
  };
  const nothing = { attempts: 0, delivered: 0, failed: 0, review: 0, runner: undefined };
  // A cron job that finds nothing to do must not cost a write.
  if (await isEmpty(store, clock.now())) {
    const runner = await store.runner();
    if (runner !== undefined) return finished({ ...nothing, stopped: 'other-runner', runner });
    await maintain(deps, MAINTAIN_MS, options.stop);
    return finished({ ...nothing, stopped: 'drained' });
  }
  const outcome = await withSession(
    deps,
    kind,
    options,
    options.wait === true ? 'always' : 'once',
    async ({ runner }) => {
      const deadline = options.maxTimeMs === undefined ? undefined : begun + options.maxTimeMs;
      const stopped = await drainLoop(runner, {
        clock,
        stop: options.stop ?? never(),
        wait: options.wait ?? false,
        deadline,
      });
      await maintain(deps, MAINTAIN_MS, options.stop);
      const { attempts, reporter } = runner;
      return { stopped, attempts, delivered: reporter.delivered, failed: reporter.failed, review: reporter.review };
    },
  );
  if ('heldBy' in outcome) return finished({ ...nothing, stopped: 'other-runner', runner: outcome.heldBy });
  const { value, startedAt, session } = outcome;
  let exitCode = 1;
  let remaining = 0;
  try {
    const report = await finished({ ...value, runner: undefined });
    exitCode = options.stopCode?.() ?? (report.needsPerson ? 3 : report.tryLater ? 4 : 0);
    remaining = total(report.remaining);
    return report;
  } finally {
    await session.end({ kind, startedAt, endedAt: clock.now(), exitCode, delivered: value.delivered, remaining });
  }
}

/** Also no deadline can pass where nothing is unfinished; and a copy is refused whatever it holds. */
async function isEmpty(store: Store, now: number): Promise<boolean> {
  const { targets, copyOf } = await store.summary(now);
  return copyOf === undefined && targets.every((target) => target.pending + target.sending === 0);
}

async function assertTarget({ store, config }: SendingDeps, name: string | undefined): Promise<void> {
  if (name === undefined || config.targets.has(name)) return;
  if ((await store.targets()).some((row) => row.name === name)) return;
  throw new QueueError('unknown-target', `there is no target ${name}`, { hint: 'syncq target list' });
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
  const stuck = targets.filter((row) => row.held > 0);
  const forPerson = stuck.some((row) => row.state === 'auth' || row.state === 'misconfigured');
  const timed = targets.filter((row) => row.state !== 'auth' && row.state !== 'misconfigured');
  return {
    remaining: {
      due: sum((row) => row.due),
      waiting: sum((row) => row.waiting),
      blocked: sum((row) => row.blocked),
      held: sum((row) => row.held),
    },
    held: stuck.map(({ name, state, reason, until }) => ({ target: name, state, reason, until })),
    needsPerson: forPerson || leftovers.behindReview,
    tryLater: timed.some((row) => row.held > 0) || leftovers.backingOff,
  };
}

function total(remaining: DrainReport['remaining']): number {
  return Object.values(remaining).reduce((sum, count) => sum + count, 0);
}

export function watchQueue(deps: SendingDeps, options: WatchOptions): AsyncIterable<QueueEvent> {
  const stream = new EventStream();
  const stop = options.stop ?? never();
  const onEvent = (event: QueueEvent): void => {
    options.onEvent?.(event);
    stream.push(event);
  };
  void watchUntilStopped(deps, { ...options, onEvent }, stop).then(
    () => stream.end(),
    (error: unknown) => stream.fail(error),
  );
  return stream;
}

async function watchUntilStopped(
  deps: SendingDeps,
  options: WatchOptions & { onEvent: (event: QueueEvent) => void },
  stop: AbortSignal,
): Promise<void> {
  const { store, clock, env } = deps;
  const { onTurn = () => undefined, onUnknownTarget = () => undefined } = options;
  let toldStandby = false;
  while (!stop.aborted) {
    onTurn();
    const outcome = await withSession(
      deps,
      'watch',
      options,
      'always',
      async ({ runner, session, channels, readying }) => {
        toldStandby = false;
        runner.reporter.emit({ event: 'started', at: clock.now(), kind: 'watch', pid: runnerIdentity('watch').pid });
        const ended = new AbortController();
        const maintenance = maintainAlways(deps, ended.signal);
        try {
          await watchLoop(runner, { clock, env, store, session, channels, readying, stop, onTurn, onUnknownTarget });
        } finally {
          ended.abort();
          await maintenance;
        }
        return runner.reporter.delivered;
      },
    ).catch(async (error: unknown) => ({ heldBy: await otherRunner(error, store) }));
    if (!('heldBy' in outcome)) {
      await outcome.session.end({
        kind: 'watch',
        startedAt: outcome.startedAt,
        endedAt: clock.now(),
        exitCode: options.stopCode?.() ?? 0,
        delivered: outcome.value,
        remaining: total((await remains(deps, options.target)).remaining),
      });
      break;
    }
    if (!toldStandby) options.onEvent({ event: 'standby', at: clock.now(), runner: outcome.heldBy });
    toldStandby = true;
    await clock.sleep(STANDBY_MS, stop);
  }
  options.onEvent({ event: 'stopped', at: clock.now(), reason: 'signal' });
}

/** A long transaction of somebody else, or a runner that took over: no reason to end a service. @throws any other error */
async function otherRunner(error: unknown, store: Store): Promise<RunnerInfo | undefined> {
  if (isQueueError(error) && (error.code === 'busy' || error.code === 'other-runner')) return store.runner();
  throw error;
}
