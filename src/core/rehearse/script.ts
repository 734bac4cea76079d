/** The grammar of rehearsal scripts (docs/rehearse.md): what the rehearsal server answers, step by step. */
import { QueueError } from '../nouns/errors.js';
import { parseDuration } from '../check/duration.js';
import { quoted } from '../check/text.js';

/** What happens to a request. */
export type Action =
  | { kind: 'status'; status: number; retryAfterMs: number | undefined }
  /** No answer: the connection is closed, or cut with a TCP reset. */
  | { kind: 'drop' | 'reset' }
  /** No answer, ever; the connection stays open. */
  | { kind: 'hang' }
  /** 200, after this time. */
  | { kind: 'slow'; delayMs: number };

export interface Step {
  /** As it was written, for the journal. */
  text: string;
  action: Action;
  /** How long the step lasts: a number of requests, or a time from its first request. */
  lasts: { requests: number } | { ms: number };
}

/** The largest request count of a step; for more, use a time, or the last step, which lasts for ever. */
const MOST_REPEATS = 10_000_000;
const MOST_STEPS = 10_000;

const STEP = /^(?:([2-5]\d\d)|(drop|reset|hang)|slow:(\d+(?:ms|s|m|h|d)))((?:[*:+][0-9a-z]+)*)$/;
const HINT = "a script is steps with commas between them, such as '201*20,503:30s,429+5s,drop,401,slow:2s'";

/**
 * Reads a script. Steps are separated by commas or line ends; `#` begins a comment that ends with its line.
 *
 * @throws {QueueError} code 'usage', naming the step
 */
export function parseScript(text: string): Step[] {
  const words = text
    .split('\n')
    .flatMap((line) => line.replace(/#.*$/, '').split(','))
    .map((word) => word.trim())
    .filter((word) => word !== '');
  if (words.length === 0) throw new QueueError('usage', 'the script is empty', { hint: HINT });
  if (words.length > MOST_STEPS) throw new QueueError('usage', `the script has more than ${MOST_STEPS} steps`);
  return words.map((word, index) => parseStep(word, index + 1));
}

function parseStep(word: string, number: number): Step {
  const match = STEP.exec(word);
  const refuse = (why: string): never => {
    throw new QueueError('usage', `step ${number} of the script, ${quoted(word)}, ${why}`, { hint: HINT });
  };
  if (match === null) return refuse('is not known');
  const [, status, fault, delay, suffix = ''] = match;
  const suffixes = suffix.match(/[*:+][^*:+]+/g) ?? [];
  const value = (sign: string): string | undefined => {
    const found = suffixes.filter((part) => part.startsWith(sign));
    if (found.length > 1) return refuse(`has two ${sign}`);
    return found[0]?.slice(1);
  };
  const [repeat, time, wait] = [value('*'), value(':'), value('+')];
  if (wait !== undefined && status === undefined) return refuse('has a + (Retry-After), which needs a status');
  if (repeat !== undefined && time !== undefined) return refuse('lasts both a number of requests and a time');
  const retryAfterMs = wait === undefined ? undefined : durationOf(wait, refuse);
  return {
    text: word,
    action: actionOf({ status, fault, delay, retryAfterMs }, refuse),
    lasts: lastsOf(repeat, time, refuse),
  };
}

type Refuse = (why: string) => never;

function actionOf(
  given: {
    status: string | undefined;
    fault: string | undefined;
    delay: string | undefined;
    retryAfterMs: number | undefined;
  },
  refuse: Refuse,
): Action {
  if (given.status !== undefined)
    return { kind: 'status', status: Number(given.status), retryAfterMs: given.retryAfterMs };
  if (given.delay !== undefined) return { kind: 'slow', delayMs: durationOf(given.delay, refuse) };
  return { kind: given.fault as 'drop' | 'reset' | 'hang' };
}

function lastsOf(repeat: string | undefined, time: string | undefined, refuse: Refuse): Step['lasts'] {
  if (time !== undefined) return { ms: durationOf(time, refuse) };
  const requests = Number(repeat ?? '1');
  if (repeat !== undefined && (!/^\d+$/.test(repeat) || requests < 1 || requests > MOST_REPEATS)) {
    return refuse(`is repeated a number of times that is not between 1 and ${MOST_REPEATS}`);
  }
  return { requests };
}

function durationOf(text: string, refuse: Refuse): number {
  try {
    return parseDuration(text);
  } catch {
    return refuse(`holds ${quoted(text)}, which is not a duration (500ms 30s 5m 2h)`);
  }
}

/** Plays a script: one call per request that takes a step. The last step lasts for ever. */
export class Playback {
  readonly #steps: readonly Step[];
  #at = 0;
  #requests = 0;
  /** Monotonic ms of the first request of the current step. */
  #since: number | undefined;

  /** @param steps at least one */
  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  /** The step for a request that arrives now, and its number from 1. @param now monotonic ms */
  next(now: number): { step: Step; number: number } {
    while (this.#at < this.#steps.length - 1 && this.#isOver(now)) {
      this.#at += 1;
      this.#requests = 0;
      this.#since = undefined;
    }
    this.#since ??= now;
    this.#requests += 1;
    const step = this.#steps[this.#at];
    if (step === undefined) throw new Error('a script without steps');
    return { step, number: this.#at + 1 };
  }

  #isOver(now: number): boolean {
    const lasts = this.#steps[this.#at]?.lasts;
    if (lasts === undefined) return false;
    if ('requests' in lasts) return this.#requests >= lasts.requests;
    return this.#since !== undefined && now - this.#since >= lasts.ms;
  }
}
