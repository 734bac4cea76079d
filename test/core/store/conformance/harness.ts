/** What the conformance suite needs of a store, and short words for what its tests do again and again. */
/* eslint-disable jest/no-standalone-expect -- called inside of tests */
import { afterEach, expect } from '@jest/globals';

import type { NewItem, Outcome, State } from '../../../../src/core/nouns/item.js';
import { isSendable } from '../../../../src/core/policy/target-state.js';
import { statusReport } from '../../../../src/core/policy/status.js';
import type {
  AttemptEnd,
  ChangeReport,
  Claim,
  ClaimRef,
  Decision,
  EnqueueResult,
  Filter,
  Gate,
  IfQueued,
  ItemMove,
  PersonCommand,
  RunnerIdentity,
  Session,
  Settled,
  SettlePolicy,
  StepInput,
  StepResult,
  Store,
} from '../../../../src/core/store/store.js';
import type { LaneOrder, TargetRow } from '../../../../src/core/nouns/target.js';

/** One queue, opened by two programs where `second` is asked for. */
export interface Subject {
  store: Store;
  /** Another connection to the same queue, as another process has one. */
  second(): Promise<Store>;
  /** The holder of the right to send dies without a word. */
  killRunner(session: Session): Promise<void>;
  /** A new, empty queue of the same kind. */
  another(): Promise<Store>;
  /** Changes stored bytes of an item's payload, as a failing disk does. */
  damage(id: number): Promise<void>;
  /** Derives lane heads and counts from scratch and compares. */
  check(): Promise<string[]>;
  /** Called when its stores are closed. */
  dispose(): Promise<void>;
}

export type OpenSubject = () => Promise<Subject>;

/** Start of every test, epoch ms. */
export const T0 = 1_750_000_000_000;
export const SECOND = 1000;
export const HOUR = 3_600_000;

let subject: Subject | undefined;
const stores: Store[] = [];

afterEach(async () => {
  // Whatever a test did, the marks on lane heads and the counts are the ones that the items ask for.
  const faults = (await subject?.check()) ?? [];
  for (const store of stores.splice(0)) await store.close();
  await subject?.dispose();
  subject = undefined;
  expect(faults).toEqual([]);
});

/** One test's queue with its clock. */
export class Bench {
  readonly subject: Subject;
  now = T0;

  constructor(given: Subject) {
    this.subject = given;
  }

  static async open(open: OpenSubject): Promise<Bench> {
    const given = await open();
    subject = given;
    stores.push(given.store);
    return new Bench(given);
  }

  get store(): Store {
    return this.subject.store;
  }

  async second(): Promise<Store> {
    const store = await this.subject.second();
    stores.push(store);
    return store;
  }

  async another(): Promise<Store> {
    const store = await this.subject.another();
    stores.push(store);
    return store;
  }

  async add(...drafts: Partial<NewItem>[]): Promise<number[]> {
    const results = await this.store.enqueue(drafts.map(item), { now: this.now, ifQueued: 'append' });
    return results.map((result) => result.id);
  }

  async enqueue(draft: Partial<NewItem>, ifQueued: IfQueued = 'append'): Promise<EnqueueResult> {
    const [result] = await this.store.enqueue([item(draft)], { now: this.now, ifQueued });
    return result!;
  }

  async start(policy: Partial<SettlePolicy> = {}, options: { recover?: boolean } = {}): Promise<Sender> {
    const session = await this.store.acquire(runner(), { decide, gate: openGate, ...policy }, this.now);
    if ('heldBy' in session) throw new Error('somebody else is sending');
    if (options.recover !== false) await session.recover(100, this.now);
    return new Sender(this, session);
  }

  async order(order: LaneOrder, target = 'main'): Promise<void> {
    const sender = await this.start();
    await sender.session.syncTargets([{ name: target, order, implicitBaseUrl: undefined }], target, this.now);
    await sender.end();
  }

  async change(command: PersonCommand, reason?: string): Promise<ChangeReport> {
    return this.store.change(command, { who: 'kari', command: command.kind, reason }, this.now);
  }

  retry(...ids: number[]): Promise<ChangeReport> {
    return this.change({ kind: 'retry', filter: { ids }, expires: undefined, dryRun: false });
  }

  discard(...ids: number[]): Promise<ChangeReport> {
    return this.change({ kind: 'discard', filter: { ids }, dryRun: false });
  }

  /** Edits an item's path, and answers the key that the new version has. */
  async edit(id: number, path = '/edited'): Promise<string> {
    const { revision, headers, contentType, payload } = await this.one(id);
    const content = { path, headers, contentType, payload };
    await this.change({ kind: 'edit', id, revision, content, fields: ['path'], yes: true });
    return (await this.one(id)).idempotencyKey;
  }

  async states(...ids: number[]): Promise<State[]> {
    const items = await this.store.get(ids, this.now);
    return items.map((found) => found.state);
  }

  async one(id: number) {
    const [found] = await this.store.get([id], this.now);
    return found!;
  }

  async list(filter: Filter, limit = 100): Promise<number[]> {
    const page = await this.store.select(filter, { after: undefined, limit, now: this.now });
    return page.items.map((found) => found.id);
  }

  async status() {
    const summary = await this.store.summary(this.now);
    const config = { source: undefined, targets: new Map() };
    return statusReport(summary, { queue: '', config, configIsKnown: false, now: this.now });
  }

  /** due, waiting, held, blocked: as the counters say it, which is also what the items say one by one. */
  async fourWays(): Promise<Record<'due' | 'waiting' | 'held' | 'blocked', number>> {
    const { due, waiting, held, blocked, counts } = await this.status();
    const counted = { due, waiting, held, blocked };
    const each = { due: 0, waiting: 0, held: 0, blocked: 0 };
    const page = await this.store.select({ states: ['pending'] }, { after: undefined, limit: 10_000, now: this.now });
    for (const found of page.items) each[found.waiting!] += 1;
    expect({ counted, sum: due + waiting + held + blocked }).toEqual({ counted: each, sum: counts.pending });
    return counted;
  }
}

/** Somebody with the right to send, who answers for the server. */
export class Sender {
  readonly session: Session;
  readonly #bench: Bench;

  constructor(bench: Bench, session: Session) {
    this.#bench = bench;
    this.session = session;
  }

  step(input: Partial<StepInput> = {}): Promise<StepResult> {
    const none = { settle: [], release: [], targets: [], claim: 0, only: undefined, signal: undefined };
    return this.session.step({ ...none, now: this.#bench.now, ...input });
  }

  async claim(count = 100): Promise<Claim[]> {
    const { claims } = await this.step({ claim: count });
    return claims;
  }

  async claimIds(count = 100): Promise<number[]> {
    return (await this.claim(count)).map((claim) => claim.item);
  }

  async settle(claim: Claim, outcome: Outcome, more: Partial<AttemptEnd> = {}): Promise<Settled> {
    const { settled } = await this.step({ settle: [{ claim, end: end(outcome, more) }] });
    return settled[0]!;
  }

  /** Claims the next item, which must be `id`, and ends it. */
  async send(id: number, outcome: Outcome, more: Partial<AttemptEnd> = {}): Promise<Settled> {
    const [claim] = await this.claim(1);
    expect(claim?.item).toBe(id);
    return this.settle(claim!, outcome, more);
  }

  async end(): Promise<void> {
    const now = this.#bench.now;
    await this.session.end({ kind: 'run', startedAt: now, endedAt: now, exitCode: 0, delivered: 0, remaining: 0 });
  }
}

export function item(draft: Partial<NewItem> = {}): NewItem {
  return {
    target: 'main',
    method: 'PUT',
    path: '/activities/1',
    headers: {},
    contentType: draft.payload === undefined ? undefined : 'application/json',
    payload: undefined,
    entity: undefined,
    operation: 'update',
    idempotencyKey: undefined,
    notBefore: undefined,
    expires: undefined,
    maxRetries: undefined,
    tags: [],
    ...draft,
  };
}

/** `entity('a/1')` for drafts. */
export function about(name: string): Pick<NewItem, 'entity'> {
  const [type = '', id = ''] = name.split('/');
  return { entity: { type, id } };
}

export const bytes = (text: string): Uint8Array => Buffer.from(text);

export function end(outcome: Outcome, more: Partial<AttemptEnd> = {}): AttemptEnd {
  const message = more.message ?? `the server answered: ${outcome}`;
  return {
    outcome,
    status: undefined,
    message,
    cause: message,
    retryAfterMs: undefined,
    durationMs: 12,
    redirectedTo: undefined,
    response: undefined,
    crashed: false,
    mayHaveArrived: outcome === 'unknown',
    isUnreadable: false,
    ...more,
  };
}

let runners = 0;

export function runner(): RunnerIdentity {
  runners += 1;
  return { kind: 'run', id: `runner-${runners}`, pid: 4711, host: 'here', bootId: 'boot' };
}

export const openGate = (target: TargetRow, now: number): Gate => ({
  slots: isSendable(target, now) ? 1000 : 0,
  rotate: false,
});

/** Rules as plain as can be: what the real ones do is the policy's own test. `retryAfterMs` is the item's wait. */
export function decide(
  facts: Claim['facts'],
  { outcome, retryAfterMs, message, cause, crashed }: AttemptEnd,
  _claim: ClaimRef,
  _target: TargetRow,
  lastAttempt: number,
  now: number,
): Decision {
  return { move: move(), counted: outcome === 'transient', target: {} };

  function move(): ItemMove {
    if (outcome === 'delivered') return { to: 'completed' };
    if (outcome === 'rejected' || outcome === 'conflict') {
      return { to: 'review', reason: outcome, message, cause, retryCount: facts.retryCount };
    }
    return {
      to: 'pending',
      notBefore: retryAfterMs === undefined ? undefined : now + retryAfterMs,
      retryCount: facts.retryCount + (outcome === 'transient' ? 1 : 0),
      failures: facts.failures + 1,
      crashes: crashed ? facts.crashes + 1 : 0,
      failMark: lastAttempt,
      failingSince: facts.failingSince ?? now,
      unreadable: 0,
    };
  }
}
