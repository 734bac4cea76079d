/** What people do: retry, discard, complete, pauses, accept, rename. */
/* eslint-disable jest/no-export -- a suite that the test file of each store runs */
import { describe, expect, test } from '@jest/globals';

import { about, Bench, end, HOUR, SECOND, T0, type OpenSubject } from './harness.js';

export function peopleConformance(open: OpenSubject): void {
  const bench = (): Promise<Bench> => Bench.open(open);

  /** A lane whose head is in review, with one item behind it. */
  async function stuck(): Promise<{ b: Bench; bad: number; behind: number }> {
    const b = await bench();
    const [bad, behind] = await b.add({ ...about('a/1'), idempotencyKey: 'k' }, about('a/1'));
    const sender = await b.start();
    await sender.send(bad!, 'transient', { status: 500 });
    await sender.send(bad!, 'rejected', { status: 422, message: 'no' });
    await sender.end();
    return { b, bad: bad!, behind: behind! };
  }

  describe('retry', () => {
    test('review becomes pending at its old place with a fresh budget and the same key', async () => {
      const { b, bad, behind } = await stuck();
      const report = await b.retry(bad);
      expect(report).toMatchObject({
        changed: [bad],
        skipped: [],
        missing: [],
        targets: ['main'],
        groups: [{ reason: 'rejected', status: 422, count: 1, firstId: bad }],
      });
      expect(await b.one(bad)).toMatchObject({
        state: 'pending',
        waiting: 'due',
        retryCount: 0,
        idempotencyKey: 'k',
        attemptCount: 2,
        reviewReason: undefined,
      });
      expect(await b.one(behind)).toMatchObject({ waiting: 'blocked', waitingOn: { id: bad, state: 'pending' } });
      const [claim] = await (await b.start()).claim();
      expect(claim).toMatchObject({
        item: bad,
        facts: { failures: 0, failMark: undefined, failingSince: undefined, attemptNumber: 3 },
      });
    });

    test('a wait ends at once, the count stays', async () => {
      const b = await bench();
      const [id] = await b.add({});
      const sender = await b.start();
      await sender.send(id!, 'transient', { retryAfterMs: HOUR });
      await b.retry(id!);
      expect(await b.one(id!)).toMatchObject({ waiting: 'due', retryCount: 1, notBefore: undefined });
      expect(await sender.claimIds()).toEqual([id]);
    });

    test('a deadline that passed is cleared, one ahead is kept, a new one is set', async () => {
      const b = await bench();
      const [past, ahead] = await b.add(
        { ...about('a/1'), expires: { delayMs: SECOND } },
        { ...about('b/1'), expires: { delayMs: HOUR } },
      );
      const sender = await b.start();
      b.now += SECOND;
      await sender.step();
      await b.retry(past!, ahead!);
      expect(await b.one(past!)).toMatchObject({ state: 'pending', expiresAt: undefined });
      expect(await b.one(ahead!)).toMatchObject({ expiresAt: T0 + HOUR });
      await b.change({ kind: 'retry', filter: { ids: [past!] }, expires: { delayMs: HOUR }, dryRun: false });
      expect(await b.one(past!)).toMatchObject({ expiresAt: b.now + HOUR });
    });

    test('an item behind another goes back to its place and waits there', async () => {
      const b = await bench();
      const [head, middle] = await b.add(about('a/1'), { ...about('a/1'), expires: { delayMs: SECOND } });
      const sender = await b.start();
      b.now += SECOND;
      await sender.step();
      await b.retry(middle!);
      expect(await b.one(middle!)).toMatchObject({ state: 'pending', waiting: 'blocked', waitingOn: { id: head } });
      expect(await sender.claimIds()).toEqual([head]);
    });

    test('an item that only waits behind another is left alone, and the other is named', async () => {
      const b = await bench();
      const [head, behind, later] = await b.add(about('a/1'), about('a/1'), {
        ...about('a/1'),
        notBefore: { delayMs: HOUR },
      });
      await (await b.start()).send(head!, 'rejected', { status: 422 });
      const report = await b.retry(behind!);
      expect(report.changed).toEqual([]);
      expect(report.skipped).toEqual([
        { id: behind, reason: `it waits behind item ${head}, which is in review`, state: 'pending' },
      ]);
      const dry = { kind: 'retry', filter: { ids: [behind!] }, expires: undefined, dryRun: true } as const;
      expect(await b.change(dry)).toMatchObject({ changed: [], skipped: [{ id: behind }] });
      // Its own wait can be ended, though it stays behind the others.
      expect((await b.retry(later!)).changed).toEqual([later]);
      expect((await b.retry(head!, behind!)).changed).toEqual([head]);
      expect((await b.retry(behind!)).skipped[0]!.reason).toBe(`it waits behind item ${head}`);
    });

    test('finished and sending items are skipped with a reason, ids that are not there are missing', async () => {
      const b = await bench();
      const [done, gone, sending] = await b.add(about('a/1'), about('b/1'), about('c/1'));
      const sender = await b.start();
      await sender.send(done!, 'delivered');
      await b.discard(gone!);
      await sender.claim(1);
      const { changed, skipped, missing } = await b.retry(done!, gone!, sending!, 999_999);
      expect(changed).toEqual([]);
      expect(skipped.map(({ id }) => id)).toEqual([done, gone, sending]);
      expect(skipped[0]!.reason).toMatch(/delivered/);
      expect(skipped[2]!.reason).toMatch(/being sent right now/);
      expect(missing).toEqual([999_999]);
    });

    test('of an item whose runner died says so', async () => {
      const b = await bench();
      const [id] = await b.add({});
      const dead = await b.start();
      await dead.claim();
      await b.subject.killRunner(dead.session);
      expect((await b.discard(id!)).skipped[0]!.reason).toMatch(/runner died/);
    });

    test('a dry run counts and changes nothing', async () => {
      const { b, bad } = await stuck();
      const report = await b.change({
        kind: 'retry',
        filter: { states: ['review'] },
        expires: undefined,
        dryRun: true,
      });
      expect(report).toMatchObject({ changed: [bad], groups: [{ count: 1 }] });
      expect(await b.states(bad)).toEqual(['review']);
    });

    test('a dry run names the commonest cause first', async () => {
      const b = await bench();
      const ids = await b.add(about('a/1'), about('b/1'), about('c/1'));
      const sender = await b.start();
      for (const [index, id] of ids.entries()) {
        const cause = index === 0 ? 'rare' : 'common';
        await sender.send(id, 'rejected', { status: 422, message: cause, cause });
      }
      const report = await b.change({
        kind: 'retry',
        filter: { states: ['review'] },
        expires: undefined,
        dryRun: true,
      });
      expect(report.groups.map(({ message, count }) => [message, count])).toEqual([
        ['common', 2],
        ['rare', 1],
      ]);
    });

    test('by a filter changes exactly what the filter lists', async () => {
      const b = await bench();
      const ids = await b.add(about('a/1'), about('b/1'), about('c/1'));
      const sender = await b.start();
      for (const [index, id] of ids.entries()) await sender.send(id, 'rejected', { status: index === 0 ? 404 : 422 });
      const { changed } = await b.change({
        kind: 'retry',
        filter: { states: ['review'], statuses: [{ from: 422, to: 422 }] },
        expires: undefined,
        dryRun: false,
      });
      expect(changed).toEqual(ids.slice(1));
      expect(await b.states(...ids)).toEqual(['review', 'pending', 'pending']);
    });
  });

  describe('discard and complete', () => {
    test.each(['discard', 'complete'] as const)(
      '%s of a flagged head lets the next go on, in the same commit',
      async (kind) => {
        const { b, bad, behind } = await stuck();
        await b.change({ kind, filter: { ids: [bad] }, dryRun: false }, 'sent by hand');
        expect(await b.states(bad)).toEqual([kind === 'discard' ? 'discarded' : 'completed']);
        expect(await (await b.start()).claimIds()).toEqual([behind]);
        const events = await b.store.history({ item: bad, since: undefined, limit: 10 });
        expect(events.at(-1)).toMatchObject({ who: 'kari', command: kind, reason: 'sent by hand' });
      },
    );

    test('of an item in the middle of its lane leaves the head alone', async () => {
      const b = await bench();
      const [head, middle, last] = await b.add(about('a/1'), about('a/1'), about('a/1'));
      await b.discard(middle!);
      const sender = await b.start();
      await sender.send(head!, 'delivered');
      expect(await sender.claimIds()).toEqual([last]);
    });

    test('the next head keeps a wait of its own', async () => {
      const b = await bench();
      const [head, next] = await b.add(about('a/1'), { ...about('a/1'), notBefore: { delayMs: HOUR } });
      await b.discard(head!);
      expect(await b.one(next!)).toMatchObject({ waiting: 'waiting', notBefore: T0 + HOUR });
      b.now += 2 * HOUR;
      expect(await (await b.start()).claimIds()).toEqual([next]);
    });

    test('are final', async () => {
      const b = await bench();
      const [id] = await b.add({});
      await b.discard(id!);
      const { changed, skipped } = await b.change({ kind: 'complete', filter: { ids: [id!] }, dryRun: false });
      expect(changed).toEqual([]);
      expect(skipped[0]!.reason).toMatch(/final/);
    });
  });

  describe('pauses', () => {
    test('of a target hold its items until resume', async () => {
      const b = await bench();
      await b.add(about('a/1'), { target: 'staging' });
      expect(await b.change({ kind: 'pause', what: { target: 'main' }, until: undefined }, 'holiday')).toMatchObject({
        names: ['main'],
      });
      expect((await b.store.targets())[0]).toMatchObject({
        paused: { since: T0, by: 'kari', reason: 'holiday', until: undefined },
      });
      const sender = await b.start();
      const { claims } = await sender.step({ claim: 5 });
      expect(claims.map((claim) => claim.target.name)).toEqual(['staging']);
      expect((await b.fourWays()).held).toBe(1);
      await b.change({ kind: 'resume', what: { target: 'main' } });
      expect((await b.store.targets())[0]!.paused).toBeUndefined();
      expect(await sender.claimIds()).toHaveLength(1);
    });

    test('with an end are over when it comes', async () => {
      const b = await bench();
      const [id] = await b.add({});
      await b.change({ kind: 'pause', what: { target: 'main' }, until: T0 + HOUR });
      const sender = await b.start();
      expect(await sender.claimIds()).toEqual([]);
      b.now += HOUR;
      expect((await b.fourWays()).due).toBe(1);
      expect(await sender.claimIds()).toEqual([id]);
    });

    test('all means every target, and resume all every entity as well', async () => {
      const b = await bench();
      const [a, other] = await b.add(about('a/1'), { target: 'staging' });
      await b.change({ kind: 'pause', what: { entity: { type: 'a', id: '1' } }, until: undefined });
      expect((await b.change({ kind: 'pause', what: 'all', until: undefined })).names).toEqual(['main', 'staging']);
      const sender = await b.start();
      expect(await sender.claimIds()).toEqual([]);
      expect((await b.change({ kind: 'resume', what: 'all' })).names).toEqual(['a/1', 'main', 'staging']);
      expect(await sender.claimIds()).toEqual([a, other]);
    });

    test('a target that the queue does not know is not found', async () => {
      const b = await bench();
      await expect(b.change({ kind: 'pause', what: { target: 'x' }, until: undefined })).rejects.toMatchObject({
        code: 'not-found',
      });
    });

    test('of an entity hold its lane in every target, also for items that come later', async () => {
      const b = await bench();
      const entity = { type: 'a', id: '1' };
      const [first, second] = await b.add(about('a/1'), { target: 'staging', ...about('a/1') });
      expect(await b.change({ kind: 'pause', what: { entity }, until: undefined }, 'asked')).toMatchObject({
        names: ['a/1'],
      });
      const [third] = await b.add({ target: 'third', ...about('a/1') });
      const [free] = await b.add(about('b/1'));
      const sender = await b.start();
      expect(await sender.claimIds()).toEqual([free]);
      expect(await b.one(first!)).toMatchObject({
        waiting: 'held',
        waitingOn: { kind: 'entity-paused', since: T0, reason: 'asked' },
      });
      expect((await b.store.summary(b.now)).pausedEntities).toMatchObject([
        { entity, since: T0, reason: 'asked', by: 'kari' },
      ]);
      expect((await b.fourWays()).held).toBe(3);
      await b.change({ kind: 'resume', what: { entity } });
      expect(await sender.claimIds()).toEqual([first, second, third]);
    });

    test('of an entity nobody has written about yet holds its first item', async () => {
      const b = await bench();
      await b.change({ kind: 'pause', what: { entity: { type: 'a', id: '1' } }, until: undefined });
      await b.add(about('a/1'));
      expect(await (await b.start()).claimIds()).toEqual([]);
    });

    test('of an entity with an end are ended by the runner, and a wait underneath goes on', async () => {
      const b = await bench();
      const [id] = await b.add({ ...about('a/1'), notBefore: { delayMs: 2 * HOUR } });
      await b.change({ kind: 'pause', what: { entity: { type: 'a', id: '1' } }, until: T0 + HOUR });
      const sender = await b.start();
      expect((await sender.step()).nextDeadlineAt).toBe(T0 + HOUR);
      expect(await b.one(id!)).toMatchObject({ waiting: 'held' });
      b.now += HOUR;
      await sender.step();
      expect(await b.one(id!)).toMatchObject({ waiting: 'waiting', notBefore: T0 + 2 * HOUR });
      b.now += HOUR;
      expect(await sender.claimIds()).toEqual([id]);
    });

    test('an item that comes back from the wire finds its entity paused', async () => {
      const b = await bench();
      const [id] = await b.add(about('a/1'));
      const sender = await b.start();
      const [claim] = await sender.claim();
      await b.change({ kind: 'pause', what: { entity: { type: 'a', id: '1' } }, until: undefined });
      await sender.settle(claim!, 'unknown');
      expect(await b.one(id!)).toMatchObject({ waiting: 'held' });
      expect(await sender.claimIds()).toEqual([]);
      await b.change({ kind: 'resume', what: { entity: { type: 'a', id: '1' } } });
      const [again] = await sender.claim();
      await b.change({ kind: 'pause', what: { entity: { type: 'a', id: '1' } }, until: undefined });
      await sender.step({ release: [again!] });
      expect(await b.one(id!)).toMatchObject({ waiting: 'held' });
    });
  });

  describe('targets', () => {
    test('resume ends an automatic hold, and time spent offline stays out of patience', async () => {
      const b = await bench();
      await b.add({});
      const [main] = await b.store.targets();
      const sender = await b.start();
      await sender.step({
        targets: [
          {
            target: main!.id,
            change: { state: 'offline', since: T0, reason: 'refused', offlineMs: 5 },
            note: undefined,
          },
        ],
      });
      b.now += HOUR;
      await b.change({ kind: 'resume', what: { target: 'main' } });
      expect(await b.store.targets()).toMatchObject([
        { state: 'untried', since: T0 + HOUR, reason: undefined, offlineMs: HOUR + 5 },
      ]);
    });

    test('resume does not accept a base URL that moved; accept does', async () => {
      const b = await bench();
      await b.add({});
      const [main] = await b.store.targets();
      const sender = await b.start();
      const moved = {
        state: 'misconfigured' as const,
        holdKind: 'binding' as const,
        reason: 'moved',
        boundTo: 'https://old.example',
      };
      await sender.step({ targets: [{ target: main!.id, change: moved, note: undefined }] });
      expect(await b.change({ kind: 'resume', what: { target: 'main' } })).toMatchObject({
        names: [],
        stillHeld: [{ name: 'main', reason: 'moved' }],
      });
      expect(await b.store.targets()).toMatchObject([moved]);
      await b.change({ kind: 'accept-target', name: 'main' });
      expect(await b.store.targets()).toMatchObject([
        { state: 'untried', holdKind: undefined, reason: undefined, boundTo: undefined },
      ]);
    });

    test('accept binds the base URL that is named', async () => {
      const b = await bench();
      await b.add({});
      await b.change({ kind: 'accept-target', name: 'main', baseUrl: 'https://new.example' });
      expect(await b.store.targets()).toMatchObject([{ boundTo: 'https://new.example' }]);
    });

    test('accept leaves any other hold as it is', async () => {
      const b = await bench();
      await b.add({});
      const [main] = await b.store.targets();
      const hold = { state: 'unavailable' as const, until: T0 + HOUR, setAt: T0, reason: '503', since: T0 - 1 };
      await (await b.start()).step({ targets: [{ target: main!.id, change: hold, note: undefined }] });
      await b.change({ kind: 'accept-target', name: 'main' });
      expect(await b.store.targets()).toMatchObject([hold]);
    });

    test('rename keeps items, counts and lanes', async () => {
      const b = await bench();
      const [id] = await b.add(about('a/1'));
      await b.change({ kind: 'rename-target', from: 'main', to: 'production' });
      expect(await b.one(id!)).toMatchObject({ target: 'production' });
      const [next] = await b.add({ target: 'production', ...about('a/1') });
      expect(await b.one(next!)).toMatchObject({ waiting: 'blocked' });
      await b.add({ target: 'staging' });
      await expect(b.change({ kind: 'rename-target', from: 'staging', to: 'production' })).rejects.toMatchObject({
        code: 'usage',
      });
      await expect(b.change({ kind: 'rename-target', from: 'x', to: 'y' })).rejects.toMatchObject({
        code: 'not-found',
      });
      await expect(b.change({ kind: 'accept-target', name: 'x' })).rejects.toMatchObject({ code: 'not-found' });
    });
  });

  test('every command leaves a line in the history', async () => {
    const { b, bad } = await stuck();
    await b.retry(bad);
    await b.change({ kind: 'pause', what: { target: 'main' }, until: undefined });
    await b.change({ kind: 'resume', what: { target: 'main' } });
    await b.change({ kind: 'rename-target', from: 'main', to: 'new' });
    await b.store.record({
      at: b.now,
      item: bad,
      target: undefined,
      who: 'ola',
      command: 'inspect',
      event: 'revealed',
      reason: undefined,
      detail: { fields: 2 },
    });
    const all = await b.store.history({ item: undefined, since: undefined, limit: 100 });
    expect(all.map(({ command, event }) => `${command}:${event}`)).toEqual([
      'retry:pending',
      'pause:paused',
      'resume:resumed',
      'rename-target:renamed',
      'inspect:revealed',
    ]);
    expect(await b.store.history({ item: bad, since: undefined, limit: 100 })).toHaveLength(2);
    expect(await b.store.history({ item: bad, since: b.now + 1, limit: 100 })).toEqual([]);
    expect(await b.store.history({ item: undefined, since: undefined, limit: 2 })).toHaveLength(2);
    expect(all.at(-1)).toMatchObject({ who: 'ola', item: bad, detail: { fields: 2 } });
  });

  test('a wait that ended while its entity was paused is over', async () => {
    const b = await bench();
    const entity = { type: 'a', id: '1' };
    const [id] = await b.add(about('a/1'));
    const sender = await b.start();
    const [claim] = await sender.claim();
    await sender.step({ settle: [{ claim: claim!, end: end('transient', { retryAfterMs: SECOND }) }] });
    await b.change({ kind: 'pause', what: { entity }, until: undefined });
    b.now += HOUR;
    await b.change({ kind: 'resume', what: { entity } });
    expect(await sender.claimIds()).toEqual([id]);
  });
}
