/**
 * The right to send, and the one hot call that uses it. Order within a commit (decision 0002): settle, target states,
 * release, expire, promote, claim. So a 503 for one item holds the next one back, and a result never waits.
 */
import { QueueError } from '../../../nouns/errors.js';
import type { TargetRow } from '../../../nouns/target.js';
import type {
  Claim,
  ClaimRef,
  Gate,
  Recovered,
  RunnerIdentity,
  RunSummary,
  Session,
  Settled,
  Settlement,
  SettlePolicy,
  StepInput,
  StepResult,
  TargetFacts,
  TargetUpdate,
} from '../../store.js';
import { ABANDONED, toClaim, type AbandonedClaim } from './abandoned.js';
import { candidates, claimItem } from './claim.js';
import { TargetChanges } from './target-changes.js';
import type { Connection, TransactionOptions } from '../file/connection.js';
import { appendHistory } from '../read/history.js';
import type { RunnerLock } from '../file/lock.js';
import { OpenClaims } from './open-claims.js';
import type { Reserve } from '../file/reserve.js';
import { CLOCK_SLACK_MS } from '../../../policy/backoff.js';
import { crashedAttempt } from '../../../policy/settle.js';
import { leaveOut } from '../../../policy/target-state.js';
import { endWaitsFromTheFuture } from './waits-and-deadlines.js';
import { SessionCache } from './session-cache.js';
import { syncTargets } from './relane.js';
import { SELECT_TARGETS, toTarget, type TargetColumns } from '../sql/rows.js';
import { moveOf } from '../read/recipients.js';
import { releaseClaim, settleClaim, type ClaimedItem, type Work } from './settle.js';
import { Tally } from './tally.js';

/** Attempt ids are epoch * 2^30 + n: they ascend over all runners without a query, and they fence every write-back. */
const ATTEMPTS_PER_EPOCH = 2 ** 30;

/** How often a busy runner updates `lastActiveAt`, ms. */
const SEEN_EVERY_MS = 1_000;

/** ms. Recording the end is optional, so stopping must not wait for another process's long transaction. */
const END_PATIENCE_MS = 100;

/** A runner reads each item once and may run for months beside an app, so a small page cache is enough. */
const CACHE_KIB = 4_000;

export class SqliteSession implements Session {
  readonly epoch: number;
  readonly #connection: Connection;
  readonly #lock: RunnerLock;
  readonly #policy: SettlePolicy;
  readonly #runner: string;
  readonly #reserve: Reserve;
  readonly #lost = new AbortController();
  readonly #open = new OpenClaims();
  #targets = new Map<number, TargetRow>();
  readonly #cache: SessionCache;
  #version: string | undefined;
  #lastAttempt: number;
  /** Of the open commit. */
  #claimed: { claim: Claim; place: ClaimedItem }[] = [];
  #seenAt = 0;

  constructor(
    connection: Connection,
    { lock, reserve }: { lock: RunnerLock; reserve: Reserve },
    epoch: number,
    who: RunnerIdentity,
    policy: SettlePolicy,
  ) {
    this.#connection = connection;
    connection.db.pragma(`cache_size = -${CACHE_KIB}`);
    this.#lock = lock;
    this.#reserve = reserve;
    this.epoch = epoch;
    this.#policy = policy;
    this.#runner = `${who.kind} ${who.pid}@${who.host}`;
    this.#lastAttempt = epoch * ATTEMPTS_PER_EPOCH;
    this.#cache = new SessionCache(connection);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async recover(limit: number, now: number): Promise<{ recovered: Recovered[]; more: boolean }> {
    const result = await this.#commit(now, (work, changed) => {
      const rows = this.#connection.all<AbandonedClaim>(ABANDONED, limit);
      const recovered = rows.map((row) => {
        const claim = this.#adopt(row, changed);
        return { ...this.#settle(work, { claim, end: crashedAttempt() }, changed), claim };
      });
      return { recovered, more: rows.length === limit };
    });
    for (const { attempt } of result.recovered) this.#open.delete(attempt);
    return result;
  }

  async syncTargets(
    facts: readonly TargetFacts[],
    defaultTarget: string | undefined,
    now: number,
  ): Promise<readonly TargetRow[]> {
    await this.#commit(now, (work) => syncTargets(work, facts, defaultTarget));
    this.#version = undefined;
    return this.#commit(now, () => [...this.#targets.values()]);
  }

  async step(input: StepInput): Promise<StepResult> {
    const { now } = input;
    const claimedBefore = this.#lastAttempt;
    const disk = { hasRoom: input.claim <= 0 || this.#reserve.hasRoom(0), holdsUp: false };
    const onFull = (): boolean => {
      disk.hasRoom = false;
      return this.#reserve.release();
    };
    try {
      const result = await this.#commit(
        now,
        (work, changed) => {
          this.#lastAttempt = claimedBefore;
          const settled = input.settle.map((settlement) => this.#settle(work, settlement, changed));
          for (const update of input.targets) this.#updateTarget(work, update, changed);
          for (const claim of input.release) this.#release(work, claim);
          const time = this.#cache.passTime(work);
          const rows = this.#rows(changed);
          disk.holdsUp = !disk.hasRoom && this.#candidates(work, 1, input.only, rows).length > 0;
          const { claims, damaged } = this.#claim(work, disk.hasRoom ? input.claim : 0, input.only, rows);
          if (claims.length + settled.length > 0) this.#touch(now);
          return {
            settled,
            ...time,
            claims,
            targets: rows,
            ...this.#cache.nextTimes(work, input, settled),
            damaged,
          };
        },
        { onFull, ...(input.signal === undefined ? {} : { signal: input.signal }) },
      );
      const ended = [...input.settle.map(({ claim }) => claim), ...input.release];
      for (const { attempt } of ended) this.#open.delete(attempt);
      for (const { claim, place } of this.#claimed) this.#open.add(claim.attempt, place);
      // Nothing is in flight and nothing may be started, so the runner has to report why it stops.
      const stuck = disk.holdsUp && this.#open.size === 0;
      if (stuck && ended.length === 0) this.#reserve.assertRoom(0, 'nothing more was sent');
      // Finished attempts are recorded first; the runner calls again at once and gets the error then.
      return { ...result, ...this.#cache.heads, more: result.more || stuck };
    } catch (error) {
      this.#lastAttempt = claimedBefore;
      throw error;
    }
  }

  async clockWentBack(now: number): Promise<void> {
    await this.#commit(now, (work) => endWaitsFromTheFuture(work, CLOCK_SLACK_MS));
  }

  async leaveOut(ms: number, now: number): Promise<void> {
    await this.#commit(now, (_work, changed) => {
      for (const target of this.#targets.values()) {
        const change = leaveOut(target, ms);
        if (change !== undefined) changed.set({ ...target, ...change }, true);
      }
    });
  }

  async end(summary: RunSummary | undefined): Promise<void> {
    try {
      if (summary === undefined) return;
      await this.#connection.write(
        () => {
          this.#connection.checkAfterOthers();
          this.#connection.run(
            `INSERT INTO last_run (one, kind, started_at, ended_at, exit_code, delivered, remaining)
             SELECT 1, ?, ?, ?, ?, ?, ? FROM runner WHERE epoch = ?
             ON CONFLICT (one) DO UPDATE SET kind = excluded.kind, started_at = excluded.started_at,
             ended_at = excluded.ended_at, exit_code = excluded.exit_code, delivered = excluded.delivered,
             remaining = excluded.remaining`,
            summary.kind,
            summary.startedAt,
            summary.endedAt,
            summary.exitCode,
            summary.delivered,
            summary.remaining,
            this.epoch,
          );
        },
        { patienceMs: END_PATIENCE_MS, quiet: true },
      );
    } catch {
      // The record of the last run is informative; losing it is harmless.
    } finally {
      this.#lock.release();
      this.#reserve.ensure();
    }
  }

  /**
   * One fenced commit. `changed` collects target rows; they replace the session's rows only when the commit succeeded.
   */
  async #commit<T>(
    now: number,
    body: (work: Work, changed: TargetChanges) => T,
    options: TransactionOptions = {},
  ): Promise<T> {
    const changed = new TargetChanges();
    let tally = new Tally();
    const attempt = (): T => {
      // Runs a second time when the first was rolled back.
      changed.clear();
      tally = new Tally();
      this.#assertStillOurs();
      const work: Work = { connection: this.#connection, tally, now, runner: this.#runner };
      const value = body(work, changed);
      changed.write(this.#connection);
      tally.flush(this.#connection);
      return value;
    };
    const onFull = (): boolean => {
      this.#cache.rolledBack();
      return (options.onFull ?? (() => this.#reserve.release()))();
    };
    let result: T;
    try {
      result = await this.#connection.write(attempt, { ...options, onFull, quiet: true });
    } catch (error) {
      this.#cache.rolledBack();
      throw error;
    }
    for (const target of changed.rows()) this.#targets.set(target.id, target);
    this.#cache.committed(tally);
    return result;
  }

  #assertStillOurs(): void {
    const version = this.#connection.dataVersion();
    // Whoever took over has written its epoch.
    const isOurs = version === this.#version || this.#storedEpoch() === this.epoch;
    if (isOurs && this.#lock.intact()) {
      this.#connection.assertSameFile();
      if (version !== this.#version) this.#refresh(version);
      return;
    }
    this.#lost.abort();
    throw new QueueError(
      'other-runner',
      'another runner took this queue over; this one stopped and recorded nothing more',
      {
        hint: 'syncq status says who is sending now',
      },
    );
  }

  #storedEpoch(): number | undefined {
    return this.#connection.get<{ epoch: number }>('SELECT epoch FROM runner')?.epoch;
  }

  /** Another process has committed: people pause, resume and accept, and new items arrive. */
  #refresh(version: string): void {
    this.#connection.checkAfterOthers();
    const rows = this.#connection.all<TargetColumns>(SELECT_TARGETS).map(toTarget);
    this.#targets = new Map(rows.map((row) => [row.id, row]));
    this.#cache.renew();
    this.#version = version;
  }

  #touch(now: number): void {
    if (Math.abs(now - this.#seenAt) < SEEN_EVERY_MS) return;
    this.#connection.run('UPDATE runner SET seen_at = ?', now);
    this.#seenAt = now;
  }

  #rows(changed: TargetChanges): TargetRow[] {
    return [...this.#targets.values()].map((row) => changed.get(row.id) ?? row);
  }

  #target(id: number, changed: TargetChanges): TargetRow {
    const row = changed.get(id) ?? this.#targets.get(id);
    if (row === undefined) throw new Error(`target ${id} is not in the queue`);
    return row;
  }

  #settle(work: Work, { claim, end }: Settlement, changed: TargetChanges): Settled {
    const place = this.#open.get(claim.attempt);
    const ref = { item: claim.item, attempt: claim.attempt };
    if (place === undefined) return { ...ref, result: 'stale', decision: undefined };
    const target = this.#target(place.target, changed);
    const decision = this.#policy.decide(claim.facts, end, claim, target, this.#lastAttempt, work.now);
    if (!settleClaim(work, claim, place, end, decision)) return { ...ref, result: 'stale', decision: undefined };
    this.#changeTarget(work, target, decision.target, changed);
    return { ...ref, result: 'ok', decision };
  }

  #changeTarget(work: Work, target: TargetRow, change: Partial<TargetRow>, changed: TargetChanges): void {
    const { soundAttempt = 0 } = change;
    if (soundAttempt > target.soundAttempt) work.tally.sound(target.id, soundAttempt);
    const isWritten = Object.keys(change).some((name) => name !== 'soundAttempt');
    changed.set({ ...target, ...change }, isWritten);
  }

  #updateTarget(work: Work, { target: id, from, change, note }: TargetUpdate, changed: TargetChanges): void {
    const target = this.#target(id, changed);
    // While a probe was running, an answer may have throttled the target, or a person may have resumed it.
    if (from !== undefined && from !== target.state) return;
    if (change.boundTo !== undefined) this.#noteMove(work, target, change.boundTo);
    this.#changeTarget(work, target, change, changed);
    if (note !== undefined) this.#note(work, target, { event: change.state ?? target.state, reason: note });
  }

  /** Delivered items stay recorded under the old base URL: that server must still be known as one that has items. */
  #noteMove(work: Work, target: TargetRow, to: string): void {
    // Including those of this commit.
    work.tally.flush(this.#connection);
    const move = moveOf(this.#connection, target.id, to);
    if (move?.delivered === true) this.#note(work, target, { event: 'moved', reason: undefined, detail: move });
  }

  #note(
    { now }: Work,
    { name }: TargetRow,
    { event, reason, detail }: { event: string; reason: string | undefined; detail?: Record<string, unknown> },
  ): void {
    appendHistory(this.#connection, {
      at: now,
      item: undefined,
      target: name,
      who: 'syncq',
      command: this.#runner,
      event,
      reason,
      detail,
    });
  }

  #release(work: Work, claim: ClaimRef): void {
    const place = this.#open.get(claim.attempt);
    if (place !== undefined) releaseClaim(work, claim, place);
  }

  #candidates(
    { tally, now }: Work,
    wanted: number,
    only: StepInput['only'],
    rows: readonly TargetRow[],
  ): ReturnType<typeof candidates> {
    const isInScope = (id: number): boolean => only === undefined || only.has(id);
    const targets = rows.filter(({ id }) => isInScope(id) && this.#cache.hasReady(id, tally));
    const hasMoved = (target: number): boolean => tally.heads.has(target);
    const gateOf = (target: TargetRow): Gate => this.#policy.gate(target, now);
    return candidates(this.#cache.firstHeads, targets, gateOf, wanted, hasMoved);
  }

  #claim(
    work: Work,
    wanted: number,
    only: StepInput['only'],
    rows: readonly TargetRow[],
  ): Pick<StepResult, 'claims' | 'damaged'> {
    const claims: Claim[] = [];
    this.#claimed = [];
    if (wanted <= 0) return { claims, damaged: undefined };
    for (const candidate of this.#candidates(work, wanted, only, rows)) {
      const result = claimItem(this.#connection, work.tally, candidate, this.#lastAttempt + 1, work.now);
      if (result.kind === 'damaged') return { claims, damaged: candidate.id };
      if (result.kind === 'gone') continue;
      this.#lastAttempt += 1;
      this.#claimed.push(result);
      claims.push(result.claim);
    }
    return { claims, damaged: undefined };
  }

  /** Settles a claim of a dead runner as if it were our own. */
  #adopt(row: AbandonedClaim, changed: TargetChanges): Settlement['claim'] {
    this.#open.add(row.claim_attempt, { target: row.target_id, lane: row.lane, entity: row.entity_id });
    return toClaim(row, this.#target(row.target_id, changed));
  }
}
