/**
 * A session's cache between its commits: the number of lane heads of each target, the first head, and when time will
 * next change something. Valid until another process writes.
 */
import type { Expired, Settled, StepInput, StepResult } from '../../store.js';
import { ReadyHeads } from './claim.js';
import type { Connection } from '../file/connection.js';
import { expireItems, nextDeadlineAt, nextDueAt, promoteDue, resumeEntities } from './waits-and-deadlines.js';
import type { Work } from './settle.js';
import type { Heads, Tally } from './tally.js';

/** Most rows that one commit promotes or expires, so that each commit is short. */
const BATCH = 100;

interface Quiet extends Pick<StepResult, 'nextDueAt' | 'nextDeadlineAt'> {
  /** Epoch ms before which no wait and no deadline ends. */
  until: number;
  only: StepInput['only'];
}

export class SessionCache {
  readonly firstHeads: ReadyHeads;
  readonly #connection: Connection;
  readonly #heads = new Map<number, Heads>();
  /** Targets with ready heads as of the last commit; `#waiting` below: with waiting heads. */
  readonly #ready = new Set<number>();
  readonly #waiting = new Set<number>();
  #quiet: Quiet | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.firstHeads = new ReadyHeads(connection);
  }

  /** Call after another process has written: reads everything again. */
  renew(): void {
    const rows = this.#connection.all<Heads & { target_id: number }>(
      'SELECT target_id, ready, waiting FROM tally WHERE ready > 0 OR waiting > 0',
    );
    this.#heads.clear();
    this.#ready.clear();
    this.#waiting.clear();
    for (const { target_id: target, ready, waiting } of rows) this.#set(target, { ready, waiting });
    this.firstHeads.forget();
    this.#quiet = undefined;
  }

  /** Call after a commit, with its moves. */
  committed(tally: Tally): void {
    for (const [target, moved] of tally.heads) this.#set(target, sum(this.#heads.get(target), moved));
    this.firstHeads.committed(tally.heads.keys());
  }

  /** Call when a commit failed or will be repeated. */
  rolledBack(): void {
    this.firstHeads.dropFound();
    this.#quiet = undefined;
  }

  /** Ends the waits, deadlines and pauses whose time has come. `more` = not all of them fit into one commit. */
  passTime(work: Work): { expired: Expired[]; more: boolean } {
    if (this.#quiet !== undefined && work.now < this.#quiet.until) return { expired: [], more: false };
    this.#quiet = undefined;
    const expired = expireItems(work, BATCH);
    resumeEntities(work);
    return { expired, more: promoteDue(work, BATCH) || expired.length === BATCH };
  }

  /** When time will next change something; read again only if this commit may have changed that. */
  nextTimes(
    { tally }: Work,
    { only, release }: StepInput,
    settled: readonly Settled[],
  ): Pick<StepResult, 'nextDueAt' | 'nextDeadlineAt'> {
    const putBack = release.length > 0 || settled.some(({ decision }) => decision?.move.to === 'pending');
    if (this.#quiet?.only !== only || tally.waitsChanged || putBack) this.#quiet = undefined;
    this.#quiet ??= this.#lookAhead(tally, only);
    return { nextDueAt: this.#quiet.nextDueAt, nextDeadlineAt: this.#quiet.nextDeadlineAt };
  }

  #lookAhead(tally: Tally, only: StepInput['only']): Quiet {
    tally.flush(this.#connection);
    const dueAt = nextDueAt(this.#connection, only);
    const deadlineAt = nextDeadlineAt(this.#connection);
    const anyDueAt = only === undefined ? dueAt : nextDueAt(this.#connection, undefined);
    const until = Math.min(anyDueAt ?? Infinity, deadlineAt ?? Infinity);
    return { until, only, nextDueAt: dueAt, nextDeadlineAt: deadlineAt };
  }

  /** True if the target has ready heads, including moves of the current commit. */
  hasReady(target: number, { heads: moved }: Tally): boolean {
    return (this.#heads.get(target)?.ready ?? 0) + (moved.get(target)?.ready ?? 0) > 0;
  }

  /** Targets with ready and with waiting heads. Live sets, valid until the next commit. */
  get heads(): Pick<StepResult, 'ready' | 'waiting'> {
    return { ready: this.#ready, waiting: this.#waiting };
  }

  #set(target: number, heads: Heads): void {
    this.#heads.set(target, heads);
    if (heads.ready > 0) this.#ready.add(target);
    else this.#ready.delete(target);
    if (heads.waiting > 0) this.#waiting.add(target);
    else this.#waiting.delete(target);
  }
}

function sum(a: Heads | undefined, b: Heads | undefined): Heads {
  return { ready: (a?.ready ?? 0) + (b?.ready ?? 0), waiting: (a?.waiting ?? 0) + (b?.waiting ?? 0) };
}
