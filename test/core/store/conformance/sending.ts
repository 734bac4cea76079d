/** Sending: claims, results, waits that end, deadlines, runners that die or are taken over, orders that change. */
/* eslint-disable jest/no-export -- a suite that the test file of each store runs */
import { describe, expect, test } from '@jest/globals';

import type { Claim, Gate } from '../../../../src/core/store/store.js';
import { about, Bench, bytes, decide, end, HOUR, openGate, runner, SECOND, T0, type OpenSubject } from './harness.js';

const TEST_ROWS = ['soundAttempt', 'tester'] as const;

export function sendingConformance(open: OpenSubject): void {
  const bench = (): Promise<Bench> => Bench.open(open);

  describe('claim', () => {
    test('gives out lane heads in the order of their ids over all targets, one per lane', async () => {
      const b = await bench();
      const [a, , staging, c] = await b.add(about('a/1'), about('a/1'), { target: 'staging' }, about('b/1'));
      expect(await (await b.start()).claimIds()).toEqual([a, staging, c]);
    });

    test('gives out no more than is asked for, lowest id first', async () => {
      const b = await bench();
      const ids = await b.add(about('a/1'), { target: 'staging' }, about('b/1'));
      const sender = await b.start();
      expect(await sender.claimIds(2)).toEqual(ids.slice(0, 2));
      expect(await sender.claimIds(2)).toEqual(ids.slice(2));
      expect(await sender.claimIds(2)).toEqual([]);
    });

    test('carries the exact request, the facts and a fresh attempt number', async () => {
      const b = await bench();
      const payload = bytes('{"n":1.0,"n":12345678901234567890}');
      const [id] = await b.add({
        ...about('a/1'),
        method: 'POST',
        path: '/x',
        headers: { a: 'b' },
        payload,
        idempotencyKey: 'k',
      });
      const sender = await b.start();
      const [claim] = await sender.claim();
      expect(claim).toMatchObject({
        item: id,
        entity: 'a/1',
        startedAt: T0,
        target: { name: 'main' },
        request: {
          method: 'POST',
          path: '/x',
          headers: { a: 'b' },
          contentType: 'application/json',
          idempotencyKey: 'k',
        },
        facts: { id, attemptNumber: 1, retryCount: 0, failures: 0, crashes: 0, failMark: undefined },
      });
      expect(Buffer.from(claim!.request.payload!)).toEqual(Buffer.from(payload));
      expect(await b.one(id!)).toMatchObject({
        state: 'sending',
        attemptCount: 1,
        attempts: [{ number: 1, outcome: undefined }],
      });
    });

    test('respects the gates: no slots, some slots, only some targets', async () => {
      const b = await bench();
      const [main] = await b.add(about('a/1'), about('b/1'), { target: 'staging' });
      const slots: Record<string, number> = { main: 1, staging: 0 };
      const gate = ({ name }: { name: string }): Gate => ({ slots: slots[name] ?? 0, rotate: false });
      const sender = await b.start({ gate });
      expect(await sender.claimIds()).toEqual([main]);
      slots['staging'] = 5;
      slots['main'] = 0;
      const targets = await b.store.targets();
      const staging = targets.find((row) => row.name === 'staging')!.id;
      const inScope = await sender.step({ claim: 5, only: new Set([targets[0]!.id]) });
      expect(inScope.claims).toEqual([]);
      expect((await sender.step({ claim: 5, only: new Set([staging]) })).claims).toHaveLength(1);
    });

    test('rotation takes the head after the tester, wraps round, and one at a time', async () => {
      const b = await bench();
      const [first, second, third] = await b.add(about('a/1'), about('b/1'), about('c/1'));
      const rotate = (): Gate => ({ slots: 1, rotate: true });
      const testing = (facts: Claim['facts']) => ({
        move: {
          to: 'pending' as const,
          notBefore: undefined,
          retryCount: 0,
          failures: 0,
          crashes: 0,
          failMark: 1,
          failingSince: T0,
          unreadable: 0,
        },
        counted: false,
        target: { tester: facts.id },
      });
      const sender = await b.start({ gate: rotate, decide: testing });
      const seen: number[] = [];
      for (let round = 0; round < 5; round += 1) {
        const claims = await sender.claim();
        expect(claims).toHaveLength(1);
        seen.push(claims[0]!.item);
        await sender.settle(claims[0]!, 'unavailable');
      }
      expect(seen).toEqual([first, second, third, first, second]);
    });

    test('a gate may leave the last tester out: then another lane has its turn, or none', async () => {
      const b = await bench();
      const [first] = await b.add(about('a/1'));
      const gate = ({ tester }: { tester: number }): Gate => ({ slots: 1, rotate: true, exceptTester: tester !== 0 });
      const sender = await b.start({
        gate,
        decide: (...facts) => ({ ...decide(...facts), target: { tester: first! } }),
      });
      const [claim] = await sender.claim();
      await sender.settle(claim!, 'unavailable');
      expect(await sender.claimIds()).toEqual([]);
      const [second] = await b.add(about('b/1'));
      expect(await sender.claimIds()).toEqual([second]);
    });

    test('an item whose bytes changed on the disk is not sent', async () => {
      const b = await bench();
      const [id] = await b.add({ payload: bytes('{"a":1}') });
      await b.subject.damage(id!);
      const step = await (await b.start()).step({ claim: 1 });
      expect(step).toMatchObject({ claims: [], damaged: id });
    });

    test('says which targets have something ready, something waiting, and when the next wait ends', async () => {
      const b = await bench();
      await b.add(
        about('a/1'),
        { target: 'staging', notBefore: { delayMs: HOUR } },
        { target: 'staging', notBefore: { delayMs: 2 * HOUR } },
      );
      const [main, staging] = (await b.store.targets()).map((row) => row.id);
      const sender = await b.start();
      expect(await sender.step()).toMatchObject({
        ready: new Set([main]),
        waiting: new Set([staging]),
        nextDueAt: T0 + HOUR,
        more: false,
      });
      expect((await sender.step({ only: new Set([main!]) })).nextDueAt).toBeUndefined();
    });
  });

  describe('settle', () => {
    test('a delivery completes the item and frees the next of its lane in the same step', async () => {
      const b = await bench();
      const [first, second] = await b.add(about('a/1'), about('a/1'));
      const sender = await b.start();
      const [claim] = await sender.claim();
      b.now += SECOND;
      const response = { status: 201, headers: { etag: 'x' }, body: bytes('{}'), complete: true };
      const step = await sender.step({
        settle: [{ claim: claim!, end: end('delivered', { status: 201, response }) }],
        claim: 1,
      });
      expect(step.settled).toMatchObject([{ item: first, result: 'ok', decision: { move: { to: 'completed' } } }]);
      expect(step.claims.map((next) => next.item)).toEqual([second]);
      const done = await b.one(first!);
      expect(done).toMatchObject({
        state: 'completed',
        completedAt: T0 + SECOND,
        lastError: undefined,
        response: { status: 201, headers: { etag: 'x' } },
      });
      expect(done.attempts).toMatchObject([
        {
          number: 1,
          startedAt: T0,
          durationMs: 12,
          outcome: 'delivered',
          status: 201,
          counted: false,
          runner: 'run 4711@here',
        },
      ]);
      expect((await b.store.summary(b.now)).targets[0]).toMatchObject({
        lastCompletedAt: T0 + SECOND,
        completed: 1,
        sending: 1,
      });
    });

    test('a failure puts the item back at its place with its own wait', async () => {
      const b = await bench();
      const [first, second] = await b.add(about('a/1'), about('a/1'));
      const sender = await b.start();
      await sender.send(first!, 'transient', { status: 500, retryAfterMs: 30 * SECOND });
      expect(await b.one(first!)).toMatchObject({
        state: 'pending',
        waiting: 'waiting',
        notBefore: T0 + 30 * SECOND,
        retryCount: 1,
        lastError: { outcome: 'transient', status: 500 },
        attempts: [{ counted: true }],
      });
      expect(await b.one(second!)).toMatchObject({ waiting: 'blocked', waitingOn: { id: first } });
      expect(await sender.claimIds()).toEqual([]);
      b.now += 30 * SECOND;
      const [again] = await sender.claim();
      expect(again).toMatchObject({ item: first, facts: { attemptNumber: 2, retryCount: 1, failures: 1 } });
      expect(again!.facts.failMark).toBeGreaterThanOrEqual(1);
    });

    test('a refusal flags the item, keeps its place and blocks its lane, and only its lane', async () => {
      const b = await bench();
      const [bad, behind, other] = await b.add(about('a/1'), about('a/1'), about('b/1'));
      const sender = await b.start();
      await sender.send(bad!, 'rejected', {
        status: 422,
        message: 'phone 12 must be digits',
        cause: 'phone N must be digits',
      });
      expect(await b.one(bad!)).toMatchObject({
        state: 'review',
        reviewReason: 'rejected',
        lastError: { status: 422, message: 'phone 12 must be digits' },
      });
      expect(await b.one(behind!)).toMatchObject({
        waiting: 'blocked',
        waitingOn: { kind: 'item', id: bad, state: 'review', reason: 'rejected', lastError: { status: 422 } },
      });
      expect(await sender.claimIds()).toEqual([other]);
    });

    test('changes of the target are seen by the same step and by everybody after it', async () => {
      const b = await bench();
      await b.add(about('a/1'), about('b/1'));
      const hold = { state: 'unavailable' as const, since: T0, until: T0 + HOUR, setAt: T0, reason: '503', tries: 1 };
      const sender = await b.start({ decide: () => ({ move: { to: 'completed' }, counted: false, target: hold }) });
      const [claim] = await sender.claim(1);
      const step = await sender.step({ settle: [{ claim: claim!, end: end('unavailable') }], claim: 5 });
      expect(step.claims).toEqual([]);
      expect(step.targets).toMatchObject([hold]);
      expect(await b.store.targets()).toMatchObject([hold]);
      expect((await b.fourWays()).held).toBe(1);
    });

    test('a result is recorded once: the second time it is stale and changes nothing', async () => {
      const b = await bench();
      const [id] = await b.add({});
      const sender = await b.start();
      const [claim] = await sender.claim();
      expect((await sender.settle(claim!, 'unknown')).result).toBe('ok');
      expect((await sender.settle(claim!, 'delivered')).result).toBe('stale');
      expect(await b.one(id!)).toMatchObject({ state: 'pending', attemptCount: 1 });
    });

    test('one stale result does not take the good ones of its commit with it', async () => {
      const b = await bench();
      const ids = await b.add(about('a/1'), about('b/1'));
      const sender = await b.start();
      const [first, second] = await sender.claim();
      await sender.settle(first!, 'delivered');
      const settle = [first!, second!].map((claim) => ({ claim, end: end('delivered') }));
      const { settled } = await sender.step({ settle });
      expect(settled.map(({ result }) => result)).toEqual(['stale', 'ok']);
      expect(await b.states(...ids)).toEqual(['completed', 'completed']);
    });

    test('an update of a target that no attempt caused is stored with its note', async () => {
      const b = await bench();
      await b.add({});
      const [main] = await b.store.targets();
      const sender = await b.start();
      await sender.step({
        targets: [
          { target: main!.id, change: { state: 'offline', since: T0, reason: 'refused' }, note: 'probe failed' },
        ],
      });
      expect(await b.store.targets()).toMatchObject([{ state: 'offline', reason: 'refused' }]);
      expect(await b.store.history({ item: undefined, since: undefined, limit: 10 })).toMatchObject([
        { target: 'main', event: 'offline', reason: 'probe failed' },
      ]);
    });

    test.each(TEST_ROWS)('a target keeps its %s', async (column) => {
      const b = await bench();
      const [id] = await b.add({});
      const sender = await b.start({
        decide: () => ({ move: { to: 'completed' }, counted: false, target: { [column]: 7 } }),
      });
      await sender.send(id!, 'delivered');
      expect((await b.store.targets())[0]![column]).toBe(7);
    });
  });

  describe('release', () => {
    test('a claim that never reached the wire is as if it had not been made', async () => {
      const b = await bench();
      const [id] = await b.add(about('a/1'));
      const before = await b.one(id!);
      const sender = await b.start();
      const [claim] = await sender.claim();
      await sender.step({ release: [claim!] });
      const { stateAt: _, ...after } = await b.one(id!);
      expect(before).toMatchObject(after);
      expect(after.attempts).toEqual([]);
      expect((await sender.claim())[0]).toMatchObject({ item: id, facts: { attemptNumber: 1 } });
    });

    test('a released claim cannot be settled any more', async () => {
      const b = await bench();
      const [id] = await b.add({});
      const sender = await b.start();
      const [claim] = await sender.claim();
      await sender.step({ release: [claim!] });
      expect((await sender.settle(claim!, 'delivered')).result).toBe('stale');
      expect(await b.states(id!)).toEqual(['pending']);
    });
  });

  describe('promote', () => {
    test('more than one commit promotes is said, and nothing is left behind', async () => {
      const b = await bench();
      const wait = { notBefore: { delayMs: SECOND } };
      await b.add(...Array.from({ length: 250 }, () => wait));
      const sender = await b.start();
      b.now += SECOND;
      const first = await sender.step({ claim: 0 });
      expect(first.more).toBe(true);
      let rounds = 1;
      while ((await sender.step()).more) rounds += 1;
      expect(rounds).toBeLessThan(10);
      expect(await sender.claimIds(1000)).toHaveLength(250);
    });

    test('a clock that ran back ends the waits it had set, not those that were asked for', async () => {
      const b = await bench();
      const [failed, asked] = await b.add(about('a/1'), { ...about('b/1'), notBefore: { delayMs: 2 * HOUR } });
      const sender = await b.start();
      await sender.send(failed!, 'transient', { retryAfterMs: HOUR });
      b.now -= 24 * HOUR;
      expect(await sender.claimIds()).toEqual([]);
      await sender.session.clockWentBack(b.now);
      expect(await sender.claimIds()).toEqual([failed]);
      expect(await b.one(asked!)).toMatchObject({ waiting: 'waiting' });
    });

    test('time that is left out does not count towards the patience with a target', async () => {
      const b = await bench();
      await b.add({ target: 'main' }, { target: 'other' });
      const sender = await b.start();
      const [main, other] = await b.store.targets();
      const offline = { state: 'offline', since: b.now } as const;
      await sender.step({ targets: [{ target: other!.id, change: offline, note: undefined }] });
      await sender.session.leaveOut(HOUR, b.now);
      const { targets } = await sender.step();
      const offlineMs = (id: number): number => targets.find((target) => target.id === id)!.offlineMs;
      expect([offlineMs(main!.id), offlineMs(other!.id)]).toEqual([HOUR, 0]);
      expect((await b.store.targets()).map((target) => target.offlineMs)).toEqual([HOUR, 0]);
    });

    test('a clock that ran back ends the pauses of entities that were to have an end, not the others', async () => {
      const b = await bench();
      const [first, second] = await b.add(about('a/1'), about('b/1'));
      const pause = (id: string, until: number | undefined): Promise<unknown> =>
        b.change({ kind: 'pause', what: { entity: { type: id, id: '1' } }, until });
      await pause('a', b.now + HOUR);
      await pause('b', undefined);
      const sender = await b.start();
      b.now -= 24 * HOUR;
      await sender.session.clockWentBack(b.now);
      expect(await sender.claimIds()).toEqual([first]);
      expect(await b.one(second!)).toMatchObject({ waiting: 'held' });
    });
  });

  describe('expire', () => {
    test('items past their deadline are flagged, head or not, and hold their place', async () => {
      const b = await bench();
      const [head, middle, last] = await b.add(
        about('a/1'),
        { ...about('a/1'), expires: { delayMs: SECOND } },
        about('a/1'),
      );
      const sender = await b.start();
      expect((await sender.step()).nextDeadlineAt).toBe(T0 + SECOND);
      b.now += SECOND;
      const step = await sender.step({ claim: 1 });
      expect(step.expired).toEqual([
        { item: middle, target: 'main', entity: 'a/1', method: 'PUT', path: '/activities/1' },
      ]);
      expect(step.claims.map((claim) => claim.item)).toEqual([head]);
      expect(await b.one(middle!)).toMatchObject({
        state: 'review',
        reviewReason: 'expired',
        lastError: { outcome: 'expired' },
      });
      const { claims } = await sender.step({ settle: [{ claim: step.claims[0]!, end: end('delivered') }], claim: 1 });
      expect(claims).toEqual([]);
      expect(await b.one(last!)).toMatchObject({ waitingOn: { id: middle } });
      expect(await b.store.history({ item: middle, since: undefined, limit: 5 })).toMatchObject([{ event: 'review' }]);
    });

    test('an expired head blocks its lane', async () => {
      const b = await bench();
      const [head] = await b.add({ ...about('a/1'), expires: { delayMs: SECOND } }, about('a/1'));
      const sender = await b.start();
      b.now += SECOND;
      expect(await sender.claimIds()).toEqual([]);
      expect(await b.states(head!)).toEqual(['review']);
    });

    test('an item that is being sent is exempt, its outcome wins', async () => {
      const b = await bench();
      const [id] = await b.add({ expires: { delayMs: SECOND } });
      const sender = await b.start();
      const [claim] = await sender.claim();
      b.now += HOUR;
      expect((await sender.step()).expired).toEqual([]);
      await sender.settle(claim!, 'delivered');
      expect(await b.states(id!)).toEqual(['completed']);
    });

    test('deadlines are found in held targets and before their items are claimed', async () => {
      const b = await bench();
      await b.add({ expires: { at: T0 - 1 } });
      const sender = await b.start({ gate: () => ({ slots: 0, rotate: false }) });
      expect((await sender.step({ claim: 1 })).expired).toHaveLength(1);
    });
  });

  describe('runners', () => {
    test('one at a time, and the other is told who it is', async () => {
      const b = await bench();
      const other = await b.second();
      const sender = await b.start();
      const refused = await other.acquire(
        runner(),
        { decide: () => ({ move: { to: 'completed' }, counted: false, target: {} }), gate: openGate },
        T0,
      );
      expect(refused).toMatchObject({ heldBy: { pid: 4711, host: 'here', since: T0 } });
      expect(await other.runner()).toMatchObject({ pid: 4711 });
      await sender.end();
      expect(await other.runner()).toBeUndefined();
      expect((await other.summary(T0)).lastRun).toMatchObject({ kind: 'run', exitCode: 0 });
    });

    test('what a dead runner was sending is recorded as unknown and sent again under the same key', async () => {
      const b = await bench();
      const [id] = await b.add({ ...about('a/1'), idempotencyKey: 'k' }, about('a/1'));
      const dead = await b.start();
      await dead.claim();
      await b.subject.killRunner(dead.session);
      const sender = await b.start({}, { recover: false });
      expect(await sender.claimIds()).toEqual([]);
      const { recovered, more } = await sender.session.recover(10, b.now);
      expect(recovered).toMatchObject([
        {
          item: id,
          result: 'ok',
          decision: { move: { to: 'pending', crashes: 1 } },
          claim: { entity: 'a/1', request: { method: 'PUT', path: '/activities/1' } },
        },
      ]);
      expect(more).toBe(false);
      expect(await b.one(id!)).toMatchObject({ attempts: [{ outcome: 'unknown', number: 1 }], attemptCount: 1 });
      const [again] = await sender.claim();
      expect(again).toMatchObject({
        item: id,
        request: { idempotencyKey: 'k' },
        facts: { attemptNumber: 2, crashes: 1 },
      });
    });

    test('recovery pages', async () => {
      const b = await bench();
      await b.add(about('a/1'), about('b/1'), about('c/1'));
      const dead = await b.start();
      await dead.claim();
      await b.subject.killRunner(dead.session);
      const sender = await b.start({}, { recover: false });
      expect(await sender.session.recover(2, b.now)).toMatchObject({ recovered: [{}, {}], more: true });
      expect(await sender.session.recover(2, b.now)).toMatchObject({ recovered: [{}], more: false });
    });

    test('a runner that was taken over stops, records nothing more, and its late result changes nothing', async () => {
      const b = await bench();
      const other = await b.second();
      const [id] = await b.add({});
      const old = await b.start();
      const [claim] = await old.claim();
      await b.subject.killRunner(old.session);
      const session = await other.acquire(
        runner(),
        { decide: () => ({ move: { to: 'completed' }, counted: false, target: {} }), gate: openGate },
        b.now,
      );
      if ('heldBy' in session) throw new Error('not free');
      expect(session.epoch).toBeGreaterThan(old.session.epoch);
      expect(old.session.lost.aborted).toBe(false);
      await expect(old.settle(claim!, 'rejected')).rejects.toMatchObject({ code: 'other-runner' });
      expect(old.session.lost.aborted).toBe(true);
      await expect(old.claim()).rejects.toMatchObject({ code: 'other-runner' });
      expect(await b.states(id!)).toEqual(['sending']);
      await old.end();
      expect((await b.store.summary(b.now)).lastRun).toBeUndefined();
      await session.recover(10, b.now);
      expect(await b.states(id!)).toEqual(['completed']);
    });

    test('attempt ids ascend over all runners', async () => {
      const b = await bench();
      const [id] = await b.add({});
      const first = await b.start();
      const [one] = await first.claim();
      await first.settle(one!, 'unknown');
      await first.end();
      const [two] = await (await b.start()).claim();
      expect(two).toMatchObject({ item: id });
      expect(two!.attempt).toBeGreaterThan(one!.attempt);
    });

    test('what people do between two steps is seen by the next one, from this program and from others', async () => {
      const b = await bench();
      const other = await b.second();
      await b.add(about('a/1'), about('b/1'), about('c/1'));
      const sender = await b.start();
      await sender.claim(1);
      await b.change({ kind: 'pause', what: { target: 'main' }, until: undefined });
      expect(await sender.claimIds()).toEqual([]);
      await other.change(
        { kind: 'resume', what: { target: 'main' } },
        { who: 'x', command: 'resume', reason: undefined },
        b.now,
      );
      expect(await sender.claimIds()).toHaveLength(2);
    });
  });

  describe('the order of a target', () => {
    test('entity to strict: one lane by id, and back again', async () => {
      const b = await bench();
      const [first, second, third] = await b.add(about('b/1'), about('a/1'), about('b/1'));
      await b.order('strict');
      expect(await b.fourWays()).toEqual({ due: 1, waiting: 0, held: 0, blocked: 2 });
      await b.order('entity');
      const sender = await b.start();
      expect(await sender.claimIds()).toEqual([first, second]);
      expect(await b.one(third!)).toMatchObject({ waitingOn: { id: first } });
    });

    test('entity to none frees everything, none to entity gathers it again', async () => {
      const b = await bench();
      await b.add(about('a/1'), about('a/1'), {}, {}, { notBefore: { delayMs: HOUR } });
      await b.order('none');
      expect(await b.fourWays()).toEqual({ due: 4, waiting: 1, held: 0, blocked: 0 });
      await b.order('entity');
      expect(await b.fourWays()).toEqual({ due: 2, waiting: 1, held: 0, blocked: 2 });
    });

    test('an item in review keeps blocking under the new order', async () => {
      const b = await bench();
      const [bad, next] = await b.add(about('a/1'), about('b/1'));
      const sender = await b.start();
      await sender.send(bad!, 'rejected');
      await sender.end();
      await b.order('strict');
      expect(await b.one(next!)).toMatchObject({ waiting: 'blocked', waitingOn: { id: bad } });
    });

    test('does not change while an item of the target is being sent', async () => {
      const b = await bench();
      const [first, second] = await b.add(about('a/1'), about('a/1'));
      const sender = await b.start();
      const [claim] = await sender.claim();
      const facts = [{ name: 'main', order: 'strict' as const, implicitBaseUrl: undefined }];
      expect(await sender.session.syncTargets(facts, 'main', b.now)).toMatchObject([{ order: 'entity' }]);
      const { claims } = await sender.step({ settle: [{ claim: claim!, end: end('delivered') }], claim: 1 });
      expect(claims.map((next) => next.item)).toEqual([second]);
      await sender.settle(claims[0]!, 'delivered');
      expect(await sender.session.syncTargets(facts, 'main', b.now)).toMatchObject([{ order: 'strict' }]);
      expect(await b.states(first!, second!)).toEqual(['completed', 'completed']);
    });

    test('targets of the config are made, and the default target is remembered', async () => {
      const b = await bench();
      await b.order('strict', 'fresh');
      expect(await b.store.targets()).toMatchObject([{ name: 'fresh', order: 'strict' }]);
      expect((await b.store.summary(b.now)).defaultTarget).toBe('fresh');
    });
  });

  test('open attempts are those of items that are not at their end', async () => {
    const b = await bench();
    const [id] = await b.add({});
    const [main] = await b.store.targets();
    expect(await b.store.hasOpenAttempts(main!.id)).toBe(false);
    const sender = await b.start();
    const [claim] = await sender.claim();
    expect(await b.store.hasOpenAttempts(main!.id)).toBe(true);
    await sender.settle(claim!, 'offline');
    expect(await b.store.hasOpenAttempts(main!.id)).toBe(false);
    await sender.send(id!, 'unknown');
    expect(await b.store.hasOpenAttempts(main!.id)).toBe(true);
    await sender.send(id!, 'rejected');
    expect(await b.store.hasOpenAttempts(main!.id)).toBe(true);
    await b.retry(id!);
    expect(await b.store.hasOpenAttempts(main!.id)).toBe(true);
    await sender.send(id!, 'delivered');
    expect(await b.store.hasOpenAttempts(main!.id)).toBe(false);
  });
}
