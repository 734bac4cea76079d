/** Turns what the commits of a runner did into events and counts. */
import type { Clock } from '../nouns/clock.js';
import type { QueueEvent } from '../nouns/events.js';
import { shownState } from '../policy/target-state.js';
import type { TargetStateName } from '../nouns/item.js';
import type { Claim, Decision, Recovered, Settlement, StepResult } from '../store/store.js';
import type { TargetRow } from '../nouns/target.js';

export class Reporter {
  delivered = 0;
  failed = 0;
  review = 0;
  readonly #clock: Clock;
  readonly #emit: (event: QueueEvent) => void;
  readonly #shown = new Map<number, TargetStateName>();
  #idle = false;

  constructor(clock: Clock, emit: (event: QueueEvent) => void) {
    this.#clock = clock;
    this.#emit = emit;
  }

  emit(event: QueueEvent): void {
    this.#emit(event);
  }

  /** The states that people know already. */
  begin(rows: readonly TargetRow[]): void {
    const now = this.#clock.now();
    for (const row of rows) this.#shown.set(row.id, shownState(row, now));
  }

  /** Attempts of a dead runner: nobody reported those that went to review, so this run does. */
  recovered(settled: readonly Recovered[]): void {
    for (const { result, decision, claim } of settled) {
      if (result !== 'ok' || decision?.move.to !== 'review') continue;
      const { reason, message } = decision.move;
      this.review += 1;
      this.#emit({ event: 'review', ...this.#about(claim), reason, status: undefined, message });
    }
  }

  sending(claim: Claim): void {
    this.#idle = false;
    this.#emit({ event: 'sending', ...this.#about(claim), attempt: claim.facts.attemptNumber });
  }

  stepped(settlements: readonly Settlement[], step: StepResult): void {
    step.settled.forEach(({ result, decision }, index) => {
      const settlement = settlements[index];
      if (result === 'ok' && decision !== undefined && settlement !== undefined) this.#settled(settlement, decision);
    });
    for (const about of step.expired) {
      this.review += 1;
      const message = 'its deadline passed before it could be delivered';
      const at = this.#clock.now();
      this.#emit({ event: 'review', at, ...about, reason: 'expired', status: undefined, message });
    }
    this.#targets(step.targets);
  }

  /** True when `idle` was reported since the last request. */
  get isIdle(): boolean {
    return this.#idle;
  }

  /** Reported once per pause in the work. */
  idle(pending: number, nextDueAt: number | undefined): void {
    this.#idle = true;
    this.#emit({ event: 'idle', at: this.#clock.now(), pending, nextDueAt });
  }

  #settled({ claim, end }: Settlement, { move, counted }: Decision): void {
    const about = this.#about(claim);
    const attempt = claim.facts.attemptNumber;
    switch (move.to) {
      case 'completed':
        this.delivered += 1;
        this.#emit({ event: 'delivered', ...about, attempt, status: end.status, durationMs: end.durationMs });
        return;
      case 'review':
        this.failed += 1;
        this.review += 1;
        this.#emit({ event: 'review', ...about, reason: move.reason, status: end.status, message: move.message });
        return;
      case 'pending':
        this.failed += 1;
        this.#emit({
          event: 'retrying',
          ...about,
          attempt,
          outcome: end.outcome,
          status: end.status,
          message: end.message,
          counted,
          notBefore: move.notBefore,
        });
    }
  }

  #about(claim: Claim): {
    at: number;
    item: number;
    target: string;
    entity: string | undefined;
    method: string;
    path: string;
  } {
    const { request, target, item, entity } = claim;
    return { at: this.#clock.now(), item, target: target.name, entity, method: request.method, path: request.path };
  }

  #targets(rows: readonly TargetRow[]): void {
    const now = this.#clock.now();
    for (const row of rows) {
      const state = shownState(row, now);
      if (this.#shown.get(row.id) === state) continue;
      this.#shown.set(row.id, state);
      this.#emit(targetEvent(row, state, now));
    }
  }
}

function targetEvent(row: TargetRow, state: TargetStateName, at: number): QueueEvent {
  const reason = state === 'paused' ? row.paused?.reason : row.reason;
  if (state === 'online' || state === 'untried') return { event: 'online', at, target: row.name, reason };
  if (state === 'offline') return { event: 'offline', at, target: row.name, reason };
  const until = state === 'paused' ? row.paused?.until : row.until;
  return { event: 'held', at, target: row.name, state, reason, until };
}
