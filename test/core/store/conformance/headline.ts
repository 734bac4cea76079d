/** The headline of `status`, against the items one by one, while anything happens to a small queue. */
/* eslint-disable jest/no-export -- a suite that the test file of each store runs */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { TARGET_STATES } from '../../../../src/core/nouns/item.js';
import { statusAnswer } from '../../../../src/core/policy/status-answer.js';
import { about, Bench, HOUR, type OpenSubject, type Sender } from './harness.js';

/** One thing that happens to a small queue; `n` chooses what is not said. */
const EVENT = fc.oneof(
  fc.record({
    kind: fc.constantFrom('add', 'add', 'add'),
    entity: fc.constantFrom(undefined, 'a/1', 'a/2', 'a/3'),
    target: fc.constantFrom('main', 'staging'),
    later: fc.boolean(),
    // It goes to review also from the middle of its lane.
    expires: fc.constantFrom(undefined, { delayMs: HOUR / 3 }),
  }),
  fc.record({ kind: fc.constant('claim') }),
  fc.record({ kind: fc.constant('end'), outcome: fc.constantFrom('rejected', 'rejected', 'delivered', 'transient') }),
  fc.record({
    kind: fc.constant('state'),
    target: fc.nat(1),
    state: fc.constantFrom(...TARGET_STATES.filter((state) => state !== 'paused')),
    until: fc.constantFrom(undefined, -HOUR, HOUR),
  }),
  fc.record({ kind: fc.constantFrom('pause', 'resume'), what: fc.constantFrom('a/1', 'a/2', 'main') }),
  fc.record({ kind: fc.constant('time') }),
  fc.record({ kind: fc.constantFrom('retry', 'discard'), n: fc.integer({ min: 1, max: 40 }) }),
);

type Event = Record<string, any>;

async function happens(b: Bench, sender: Sender, event: Event, claims: any[]): Promise<void> {
  const { kind, what } = event;
  if (kind === 'add') {
    const { entity, target, later, expires } = event;
    const draft = { ...(entity === undefined ? {} : about(entity)), target, expires };
    await b.add(later ? { ...draft, notBefore: { delayMs: HOUR } } : draft);
  } else if (kind === 'claim') claims.push(...(await sender.claim(1)));
  else if (kind === 'end') {
    const claim = claims.shift();
    if (claim !== undefined) await sender.settle(claim, event['outcome'], { retryAfterMs: HOUR });
  } else if (kind === 'state') {
    const until = event['until'] === undefined ? undefined : b.now + Number(event['until']);
    const change = { state: event['state'], until, setAt: b.now - 2 * HOUR, since: b.now - 2 * HOUR };
    const { targets } = await sender.step();
    const target = targets[event['target']];
    if (target !== undefined) await sender.step({ targets: [{ target: target.id, change, note: undefined }] });
  } else if (kind === 'pause' || kind === 'resume') {
    const scope = what === 'main' ? { target: what } : about(what);
    await b
      .change({ kind, what: scope as any, ...(kind === 'pause' ? { until: undefined } : {}) } as any)
      .catch(() => 0);
  } else if (kind === 'time') b.now += HOUR / 2;
  else await (kind === 'retry' ? b.retry(event['n']) : b.discard(event['n']));
}

/** What the facts of the headline count, added up. */
function countedIn(facts: readonly string[]): number {
  const counts = facts.flatMap((fact) => {
    const [, first = '0'] = /^(\d+) (?:needs?|waits?|items?|is|are)[ :]/.exec(fact) ?? [];
    const [, blocked = '0'] = /^\d+ needs? you, (\d+) waits? behind (?:it|them)$/.exec(fact) ?? [];
    return [Number(first), Number(blocked)];
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

export function headlineConformance(open: OpenSubject): void {
  test('the headline of any small queue adds up, and names what a refused credential holds', async () => {
    const b = await Bench.open(open);
    await b.add({}, { target: 'staging' });
    const sender = await b.start();
    const claims: any[] = [];
    for (const event of fc.sample(EVENT, 300)) {
      await happens(b, sender, event, claims);
      await b.fourWays();
      const report = await b.status();
      const { pending, sending, review } = report.counts;
      const page = await b.store.select({ states: ['pending'] }, { after: undefined, limit: 1000, now: b.now });
      for (const target of report.targets) {
        const blocked = page.items.filter(
          ({ target: name, waitingOn: on }) => name === target.name && on?.kind === 'item' && on.state === 'review',
        );
        expect({ event, behindReview: target.behindReview }).toEqual({ event, behindReview: blocked.length });
      }
      for (const runner of [report.runner, undefined]) {
        const facts = statusAnswer({ ...report, runner }, { now: b.now, terminal: true });
        expect({ facts, sum: countedIn(facts) }).toEqual({ facts, sum: pending + sending + review });
        const refused = report.targets.filter(
          (target) => target.state === 'auth' && target.pending > target.behindReview,
        );
        expect(facts.filter((fact) => fact.includes('does not accept the credential'))).toHaveLength(refused.length);
      }
    }
    await sender.end();
  });
}
