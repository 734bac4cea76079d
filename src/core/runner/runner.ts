/**
 * The loop of sending: step (settle what ended, claim what may go) -> send -> classify -> step again. `run` and `watch`
 * differ only in when they stop and what wakes them; see `drain.ts` and `watch.ts`.
 */
import { setMaxListeners } from 'node:events';

import type { Clock } from '../nouns/clock.js';
import { QueueError, isQueueError } from '../nouns/errors.js';
import type { QueueEvent } from '../nouns/events.js';
import { isSound } from '../policy/outage.js';
import { holdIsOver, isPaused } from '../policy/target-state.js';
import { classify } from '../send/classify.js';
import { UNREADABLE } from '../send/failure.js';
import type { SendResult } from '../send/result.js';
import type {
  AttemptEnd,
  Claim,
  ClaimRef,
  Session,
  Settlement,
  StepResult,
  Store,
  TargetUpdate,
} from '../store/store.js';
import type { TargetRow } from '../nouns/target.js';
import type { Channels } from './channels.js';
import { Reporter } from './reporter.js';
import type { TargetPreparation } from './target-preparation.js';
import { reconcileTargets } from './reconcile-targets.js';
import { Waker } from './waker.js';

/** Requests in flight get this long to end after a stop was asked for, so that all is over within 10 s; ms. */
export const STOP_GRACE_MS = 9_500;

/** Items that one recovery commit settles. */
const RECOVER_BATCH = 500;

/** Longest time between two turns of the loop, ms. */
const LONGEST_QUIET_MS = 60_000;

/** Pause before a commit that found the queue locked is tried again, ms. Results are never dropped. */
const RETRY_COMMIT_MS = 200;

/** After a second signal, recording may take this long while another process writes, ms. */
const LAST_COMMIT_MS = 500;

export interface RunnerOptions {
  /** Requests in flight in all. */
  concurrency: number;
  /** Attempts started at most; undefined = no bound. */
  limit: number | undefined;
  /** Name of the only target to send to; undefined = all. */
  target: string | undefined;
  /** No new claims once aborted. */
  stop: AbortSignal;
  /** Ends requests in flight at once; they are recorded as unknown. */
  abort: AbortSignal;
  onEvent: (event: QueueEvent) => void;
}

export interface RunnerDeps {
  store: Store;
  session: Session;
  channels: Channels;
  clock: Clock;
  preparation: TargetPreparation;
}

/** What one turn of the loop found. */
export interface Turn {
  step: StepResult;
  /** Nothing is in flight and nothing could be started: only time, a probe or a person can change that. */
  isIdle: boolean;
}

export class Runner {
  readonly waker: Waker;
  readonly reporter: Reporter;
  attempts = 0;
  readonly #deps: RunnerDeps;
  readonly #options: RunnerOptions;
  readonly #hardStop = new AbortController();
  readonly #disposed = new AbortController();
  #ended: Settlement[] = [];
  #released: ClaimRef[] = [];
  #updates: TargetUpdate[] = [];
  #inFlight = 0;
  #finishing = false;
  #isGathering = false;
  /** An unexpected error in sending: requests in flight are recorded first, then it is thrown. */
  #defect: { error: unknown } | undefined;
  #only: ReadonlySet<number> | undefined;

  constructor(deps: RunnerDeps, options: RunnerOptions) {
    this.#deps = deps;
    this.#options = options;
    this.waker = new Waker(deps.clock);
    this.reporter = new Reporter(deps.clock, options.onEvent);
    const { signal: disposed } = this.#disposed;
    // One listener per request in flight is intended; it is not a leak.
    setMaxListeners(0, this.#hardStop.signal);
    for (const signal of [options.stop, options.abort, deps.session.lost]) {
      signal.addEventListener('abort', () => this.waker.ring(), { signal: disposed });
    }
    for (const signal of [options.abort, deps.session.lost]) {
      signal.addEventListener('abort', () => this.#hardStop.abort(), { signal: disposed });
      if (signal.aborted) this.#hardStop.abort();
    }
  }

  /** Removes its listeners from the caller's signals, which may outlive many runs. */
  dispose(): void {
    this.#disposed.abort();
    this.waker.dispose();
  }

  get isStopping(): boolean {
    return this.#finishing || this.#defect !== undefined || this.#options.stop.aborted || this.#hardStop.signal.aborted;
  }

  get limitReached(): boolean {
    return this.#options.limit !== undefined && this.attempts >= this.#options.limit;
  }

  /** First what dead runners left open, then what the config says; nothing is sent before both are stored. */
  async start(): Promise<void> {
    const { session, clock, channels, store } = this.#deps;
    for (;;) {
      const { recovered, more } = await session.recover(RECOVER_BATCH, clock.now());
      this.reporter.recovered(recovered);
      if (!more) break;
    }
    await this.reload();
    const rows = await store.targets();
    this.reporter.begin(rows);
    for (const row of rows) {
      // A target that was held before this process began gets one request first, not a flood.
      if (row.state !== 'online' && row.state !== 'untried') channels.of(row)?.restartSlowly();
    }
  }

  /** Applies the config to the queue's targets. */
  async reload(): Promise<void> {
    const { updates, rows } = await reconcileTargets(this.#deps);
    this.#updates.push(...updates);
    const { target } = this.#options;
    this.#only =
      target === undefined ? undefined : new Set(rows.filter((row) => row.name === target).map((row) => row.id));
  }

  /** A change of a target that no attempt caused; stored with the next turn. */
  update(update: TargetUpdate): void {
    this.#updates.push(update);
    this.waker.ring();
  }

  /** One commit and what follows from it. */
  async turn(): Promise<Turn | undefined> {
    const { session, clock } = this.#deps;
    // Answers that arrived together are recorded together: one flush for all instead of one each.
    this.#isGathering = this.#ended.length > 0 && this.#inFlight > 0;
    if (this.#isGathering) await clock.settleDown?.();
    this.#isGathering = false;
    const input = {
      now: clock.now(),
      // Copies: more may end while the commit waits for its lock.
      settle: [...this.#ended],
      release: [...this.#released],
      targets: [...this.#updates],
      claim: this.#wanted(),
      only: this.#only,
      // Wait until the result is recorded, unless a second signal came.
      signal: this.#ended.length === 0 ? this.#options.stop : this.#options.abort,
    };
    let step: StepResult;
    try {
      step = await session.step(input);
    } catch (error) {
      if (!isQueueError(error) || error.code !== 'busy') throw error;
      // Not by the waker, which rings all the time after a stop; signals must get their turn.
      await clock.sleep(RETRY_COMMIT_MS, this.isStopping ? undefined : this.#options.stop);
      return undefined;
    }
    this.#ended = this.#ended.slice(input.settle.length);
    this.#released = this.#released.slice(input.release.length);
    this.#updates = this.#updates.slice(input.targets.length);
    this.reporter.stepped(input.settle, step);
    this.#afterAnswers(input.settle, step);
    for (const claim of step.claims) this.#launch(claim);
    const isPreparing = this.#deps.preparation.wanted(step, this.#only, this.isStopping ? undefined : this);
    if (step.damaged !== undefined) this.#stopForDamage(step.damaged);
    if (this.#defect !== undefined && this.#inFlight + this.#pendingWrites() === 0) throw this.#defect.error;
    return { step, isIdle: this.#inFlight === 0 && !isPreparing && !step.more && this.#pendingWrites() === 0 };
  }

  /** Lets requests in flight end, aborts them after the grace, and records every one. */
  async finish(): Promise<void> {
    const { clock } = this.#deps;
    const grace = clock.monotonic() + STOP_GRACE_MS;
    this.#finishing = true;
    while (this.#inFlight > 0) {
      const left = grace - clock.monotonic();
      if (left <= 0) this.#hardStop.abort();
      await this.waker.sleep(Math.max(left, 50));
    }
    let deadline = Infinity;
    while (this.#pendingWrites() > 0 && !this.#deps.session.lost.aborted) {
      if ((await this.turn()) !== undefined) continue;
      // The next runner records the rest as `unknown`.
      if (this.#options.abort.aborted) deadline = Math.min(deadline, clock.monotonic() + LAST_COMMIT_MS);
      if (clock.monotonic() >= deadline) return;
    }
  }

  #pendingWrites(): number {
    return this.#ended.length + this.#released.length + this.#updates.length;
  }

  #wanted(): number {
    if (this.isStopping) return 0;
    const { concurrency, limit } = this.#options;
    const free = concurrency - this.#inFlight;
    return limit === undefined ? free : Math.min(free, limit - this.attempts);
  }

  #launch(claim: Claim): void {
    const channel = this.#deps.channels.of(claim.target);
    if (channel === undefined || this.isStopping) {
      this.#released.push({ item: claim.item, attempt: claim.attempt });
      return;
    }
    this.#inFlight += 1;
    this.attempts += 1;
    channel.started();
    const ended = (end: AttemptEnd | undefined): void => {
      this.#inFlight -= 1;
      channel.ended(end?.outcome === 'delivered');
      // A result that ends while a turn gathers is part of it; ringing would cost an empty turn.
      if (!this.#isGathering) this.waker.ring();
    };
    void this.#send(claim, channel).then(
      (end) => {
        ended(end);
        if (end !== undefined) this.#ended.push({ claim, end });
        else {
          this.attempts -= 1;
          this.#released.push({ item: claim.item, attempt: claim.attempt });
        }
      },
      (error: unknown) => {
        // Its claim stays open: whether it was sent is not known, and the next runner says so.
        this.#defect ??= { error };
        ended(undefined);
      },
    );
  }

  /** Undefined = nothing was sent, and the claim is released. */
  async #send(claim: Claim, channel: NonNullable<ReturnType<Channels['of']>>): Promise<AttemptEnd | undefined> {
    const credential = await channel.credential();
    if (credential === undefined || this.isStopping) return undefined;
    this.reporter.sending(claim);
    const result = await channel.send(claim.request, credential.header, this.#hardStop.signal);
    // Stopped while waiting for a connection: it sent nothing, so it is not an attempt.
    if (result.kind === 'no-answer' && !result.isSent) return undefined;
    return endOf(result, claim, channel.config, this.#deps.clock.now());
  }

  /** A refused credential is fetched again; a target that came back is sent to slowly at first. */
  #afterAnswers(settled: readonly Settlement[], step: StepResult): void {
    const { channels, preparation } = this.#deps;
    for (const { claim, end } of settled) {
      const row = step.targets.find((target) => target.id === claim.target.id);
      const channel = row === undefined ? undefined : channels.of(row);
      if (row === undefined || channel === undefined) continue;
      if (isSound(end)) preparation.prober.answered(row.id);
      if (end.outcome === 'offline') preparation.prober.unreachable(row.id);
      // A 407 is the proxy's: it says nothing of the target's credential.
      if (end.outcome === 'auth' && end.status !== 407) preparation.credentialRefused(row, claim.target, channel, this);
      if (row.state !== 'online' && row.state !== 'untried') channel.restartSlowly();
    }
  }

  #stopForDamage(item: number): void {
    throw new QueueError(
      'corrupt',
      `the payload of item ${item} no longer matches its checksum, so the queue file is damaged; nothing more was sent`,
      {
        hint: 'keep the file, then: syncq doctor',
      },
    );
  }

  isInScope(row: TargetRow): boolean {
    return this.#only === undefined || this.#only.has(row.id);
  }

  /**
   * How long the loop may sleep unless it is rung, ms: until the next wait, hold, deadline, probe, rate slot or wait for a
   * credential ends.
   */
  quietMs(step: StepResult): number {
    const { clock, channels, preparation } = this.#deps;
    const now = clock.now();
    const times = [step.nextDueAt, step.nextDeadlineAt];
    for (const row of step.targets) {
      if (isPaused(row, now)) times.push(row.paused?.until);
      if (row.until !== undefined && step.ready.has(row.id) && !holdIsOver(row, now)) times.push(row.until);
    }
    const waits = times.filter((at) => at !== undefined).map((at) => Math.max(0, at - now));
    const others = [preparation.prober.nextIn(step), channels.delayMs()].filter((ms) => ms !== undefined);
    // One ms more: a timer may fire just before its time.
    return Math.min(LONGEST_QUIET_MS, ...waits, ...others) + 1;
  }
}

/** The end of an attempt as it is recorded. */
function endOf(result: SendResult, claim: Claim, config: Parameters<typeof classify>[2], now: number): AttemptEnd {
  const classified = classify(result, claim.request, config, now, claim.facts);
  return {
    outcome: classified.outcome,
    status: classified.status,
    message: classified.message,
    cause: classified.cause ?? classified.message,
    retryAfterMs: classified.retryAfterMs,
    durationMs: result.durationMs,
    redirectedTo: classified.redirectedTo,
    response: result.kind === 'response' ? result.response : undefined,
    crashed: false,
    mayHaveArrived: mayHaveArrived(result, classified.outcome),
    isUnreadable: result.kind === 'no-answer' && result.code === UNREADABLE,
  };
}

/** A 4xx says that the request had no effect, whoever gives it; silence, a 5xx and an answer that is not the API's do not. */
function mayHaveArrived(result: SendResult, outcome: AttemptEnd['outcome']): boolean {
  if (result.kind === 'no-answer') return result.isSent;
  if (result.kind !== 'response') return false;
  const { status } = result.response;
  return status >= 500 || (outcome === 'unknown' && status < 400);
}
