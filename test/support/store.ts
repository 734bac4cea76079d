/** A queue file of one's own with the store over it, for tests that ask the store itself; every target is reachable. */
import { join } from 'node:path';

import { systemClock } from '../../src/core/nouns/clock.js';
import { withDefaults } from '../../src/core/config/target-shape.js';
import { currentUid } from '../../src/core/nouns/host.js';
import type { NewItem, Outcome, State } from '../../src/core/nouns/item.js';
import { decide } from '../../src/core/policy/settle.js';
import { gateOf } from '../../src/core/policy/target-state.js';
import { openSqliteStore } from '../../src/core/store/sqlite/store.js';
import type { AttemptEnd, Session, SettlePolicy, StepInput, StepResult, Store } from '../../src/core/store/store.js';
import type { TargetConfig } from '../../src/core/nouns/target.js';

export const TARGET: TargetConfig = withDefaults({ name: 'production', baseUrl: 'https://api.example.org' });

/** The real rules, with four requests at a time to each target. */
export const POLICY: SettlePolicy = {
  decide: (facts, end, claim, target, lastAttempt, now) =>
    decide({ facts, end, claim, target, config: TARGET, lastAttempt, now, random: 0.5 }),
  gate: (target, now) => gateOf(target, now, 0, 4),
};

export function newItem(changes: Partial<NewItem> = {}): NewItem {
  return {
    target: TARGET.name,
    method: 'POST',
    path: '/activities',
    headers: {},
    contentType: 'application/json',
    payload: Buffer.from('{"name":"walk"}'),
    entity: undefined,
    operation: 'create',
    idempotencyKey: undefined,
    notBefore: undefined,
    expires: undefined,
    maxRetries: undefined,
    tags: [],
    ...changes,
  };
}

export function end(outcome: Outcome, status: number | undefined): AttemptEnd {
  const message = `because of ${outcome}`;
  return {
    outcome,
    status,
    message,
    cause: message,
    retryAfterMs: undefined,
    durationMs: 1,
    redirectedTo: undefined,
    response: undefined,
    crashed: false,
    mayHaveArrived: outcome === 'unknown' || (status ?? 0) >= 500,
    isUnreadable: false,
  };
}

export function openStore(directory: string): Store {
  return openSqliteStore({
    path: join(directory, 'q.db'),
    mode: 'create',
    clock: systemClock,
    uid: currentUid(),
    allowNetworkDisk: false,
  });
}

export function stepOf(changes: Partial<StepInput> & { now: number }): StepInput {
  return { settle: [], release: [], targets: [], claim: 0, only: undefined, signal: undefined, ...changes };
}

export async function startSession(store: Store, now: number): Promise<Session> {
  const who = { kind: 'run' as const, id: 'test', pid: 1, host: 'h', bootId: 'b' };
  const session = await store.acquire(who, POLICY, now);
  if ('heldBy' in session) throw new Error('another runner has the queue');
  await session.recover(100, now);
  return session;
}

export interface StoreWithItem {
  store: Store;
  id: number;
  /** One commit of the runner that sends nothing. */
  step: (now: number) => Promise<StepResult>;
  close: () => Promise<void>;
}

const AT = Date.UTC(2026, 2, 5, 12);

/** A queue with one item that got to `state` as items do. It is stored, and sent, at noon of 5 March 2026. */
export async function storeWithItemIn(directory: string, state: State, expiresAt?: number): Promise<StoreWithItem> {
  const store = openStore(directory);
  const expires = expiresAt === undefined ? undefined : { at: expiresAt };
  const [stored] = await store.enqueue([newItem({ expires })], { now: AT, ifQueued: 'append' });
  const id = stored?.id ?? 0;
  const session = await startSession(store, AT);
  const claim = state === 'pending' || state === 'discarded' ? 0 : 1;
  const { claims } = await session.step(stepOf({ now: AT, claim }));
  if (state === 'completed' || state === 'review') {
    const answer = state === 'completed' ? end('delivered', 201) : end('rejected', 422);
    await session.step(stepOf({ now: AT, settle: claims.map((made) => ({ claim: made, end: answer })) }));
  } else if (state === 'discarded') {
    await store.change(
      { kind: 'discard', filter: { ids: [id] }, dryRun: false },
      { who: 'ann', command: 'discard', reason: undefined },
      AT,
    );
  }
  return {
    store,
    id,
    step: (now) => session.step(stepOf({ now })),
    close: async () => {
      await session.end({ kind: 'run', startedAt: AT, endedAt: AT, exitCode: 0, delivered: 0, remaining: 0 });
      await store.close();
    },
  };
}
