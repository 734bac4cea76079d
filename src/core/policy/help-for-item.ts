/** What a person can do about an item: one sentence, and the commands to copy. Pure. */
import type { Attempt, ItemSummary, ReviewReason } from '../nouns/item.js';
import { acceptCommand } from './moved-target.js';
import { isReason, type OwnReason } from './reasons.js';
import { isFromFuture } from './why.js';
import { shellWord } from './shell-word.js';

export interface Advice {
  sentence: string;
  /** Ready to copy, the likeliest first. */
  commands: string[];
}

type Helped = Pick<ItemSummary, 'id' | 'state' | 'reviewReason' | 'target' | 'entity' | 'waitingOn'> & {
  isOrphaned?: boolean;
  lastError?: ItemSummary['lastError'];
  idempotencyKey?: string;
  mayHaveArrived?: number | undefined;
  attempts?: readonly Pick<Attempt, 'number' | 'idempotencyKey'>[];
};

const NEXT_RUN: Advice = {
  sentence: 'It is sent as soon as a runner works',
  commands: ['syncq watch', 'syncq run'],
};

/**
 * What a person can do to move the item on; undefined when nothing needs to be done.
 *
 * @param now to find a wait that was set while the clock was ahead; default: none is looked for
 */
export function whatHelps(item: Helped, now = Infinity): Advice | undefined {
  if (item.state === 'review') return forReview(item);
  if (item.state === 'sending' && item.isOrphaned === true) return NEXT_RUN;
  if (item.state !== 'pending') return undefined;
  const on = item.waitingOn;
  if (on === undefined) return NEXT_RUN;
  switch (on.kind) {
    case 'item':
      if (on.isOrphaned) return NEXT_RUN;
      if (on.notBefore !== undefined && isFromFuture(on.lastError, now)) return clockWasAhead(on.id);
      return on.state === 'review'
        ? { sentence: `Deal with item ${on.id} first`, commands: [`syncq inspect ${on.id}`] }
        : undefined;
    case 'target':
      return forTarget(item.target, on.state, on.reason);
    case 'entity-paused': {
      const { entity } = item;
      const name = entity === undefined ? '--all' : `--entity ${shellWord(`${entity.type}/${entity.id}`)}`;
      return { sentence: 'End the pause when its cause is gone', commands: [`syncq resume ${name}`] };
    }
    case 'time':
      if (isFromFuture(item.lastError, now)) return clockWasAhead(item.id);
      return {
        sentence: 'Nothing needs to be done while a runner (watch, cron) is there; to send it sooner, retry it',
        commands: [`syncq retry ${item.id}`],
      };
  }
}

const clockWasAhead = (id: number): Advice => ({
  sentence: 'Look whether the clock is right now, then retry it: it is due at once, the wait is forgotten',
  commands: [`syncq retry ${id}`],
});

const REVIEW_SENTENCES: Readonly<Record<ReviewReason, string>> = {
  rejected: 'Mend the cause at the server or in the item, then send it again',
  conflict: 'Compare it with what the server has, then send it again if it is still wanted',
  exhausted: 'Send it again when the server can take it',
  expired: 'Send it again if it is still wanted; that clears the deadline',
  redirect: 'Correct the base URL of the target or the path, then send it again',
  unknown: 'Look at the server whether it arrived; sending it again uses the same idempotency key',
  editing: 'Finish the edit; if the editor is gone, free the item, which sends it as it was',
};

/** The commands for each reason, the likeliest first. Ending an item also releases the items blocked behind it. */
function reviewCommands({ id, reviewReason: reason, mayHaveArrived }: Helped): string[] {
  const retry = `syncq retry ${id}`;
  const discard = `syncq discard ${id}`;
  const complete = `syncq complete ${id} --because 'the server has it'`;
  const arrived = mayHaveArrived === undefined ? [] : [complete];
  switch (reason) {
    case 'rejected':
    case 'redirect':
      return [`syncq edit ${id}`, retry, ...arrived, discard];
    case 'conflict':
    case 'unknown':
      return [retry, complete, discard];
    case 'exhausted':
    case 'expired':
    case undefined:
      return [retry, ...arrived, discard];
    case 'editing':
      return [retry, ...arrived];
  }
}

const EDITED_SINCE =
  'Look at the server whether the version before the edit arrived: under its new key this one is another write';

function forReview(item: Helped): Advice {
  const commands = reviewCommands(item);
  const { reviewReason, idempotencyKey, attempts, mayHaveArrived } = item;
  const sent = attempts?.find(({ number }) => number === mayHaveArrived);
  if (sent !== undefined && sent.idempotencyKey !== idempotencyKey) return { sentence: EDITED_SINCE, commands };
  const sentence =
    reviewReason === undefined ? 'Look at the attempts, then send it again' : REVIEW_SENTENCES[reviewReason];
  const isSaid = mayHaveArrived === undefined || reviewReason === 'unknown' || reviewReason === 'editing';
  return {
    sentence: isSaid ? sentence : `${LOOK_FIRST}${sentence[0]?.toLowerCase() ?? ''}${sentence.slice(1)}`,
    commands,
  };
}

const LOOK_FIRST = 'Look at the server first: if it has this write already, complete it; if not, ';

type TargetState = Extract<NonNullable<ItemSummary['waitingOn']>, { kind: 'target' }>['state'];

/** Advice for the reasons that syncq gives itself. The target goes on by itself once the cause is gone. */
const AGAINST: readonly [OwnReason, string][] = [
  [
    'thinLink',
    'It is sent again by itself; over a link this thin, give it more time by a lower "minRate" of the target',
  ],
  [
    'between',
    'Log in to the network; if the server itself answered so, set "expect" of the target or correct its base URL',
  ],
  [
    'unreadable',
    'Mend the answers of the server, or of what is in front of it; one item at a time tries whether they can be read',
  ],
  ['proxyLogin', 'Give the proxy its user and password, then resume the target'],
];

function forTarget(target: string, state: TargetState, reason: string | undefined): Advice | undefined {
  const name = shellWord(target);
  const test = `syncq target test ${name}`;
  const resume = `syncq resume ${name}`;
  if (state === 'paused') return { sentence: 'End the pause when its cause is gone', commands: [resume] };
  if (isReason('moved', reason)) {
    const sentence = 'Say that the new base URL is meant, or put the old one back';
    return { sentence, commands: [acceptCommand(target)] };
  }
  const own = AGAINST.find(([kind]) => isReason(kind, reason));
  if (own !== undefined) return { sentence: own[1], commands: [test, resume] };
  switch (state) {
    case 'offline':
    case 'suspect':
    case 'unavailable':
      return {
        sentence: 'Nothing needs to be done: it goes on by itself when the server answers',
        commands: [test],
      };
    case 'throttled':
      return { sentence: 'Nothing needs to be done: it goes on by itself', commands: [] };
    case 'auth':
      return { sentence: 'Renew the credential, then resume the target', commands: [test, resume] };
    case 'misconfigured':
      return { sentence: 'Mend the settings of the target', commands: [test, resume] };
    case 'untried':
    case 'online':
      return undefined;
  }
}
