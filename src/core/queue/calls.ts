/**
 * What a program may give to the calls of a queue that store nothing, checked before anything is done: a mistyped name
 * that was passed over has discarded what it should have left out. Each answers a copy that holds what is known.
 */
import { below, fail, integer, list, oneOf, text, type Reader } from '../check/readers.js';
import type { EnqueueFromOptions } from './enqueue-from.js';
import type { Queue, QueueCommand } from './queue.js';
import type { DrainOptions, WatchOptions } from '../runner/options.js';
import type { Actor, HistoryEntry, IfQueued, PauseScope } from '../store/store.js';
import {
  ACTOR,
  anyObject,
  anyText,
  argument,
  bool,
  callback,
  count,
  entity,
  filter,
  id,
  milliseconds,
  MOST,
  options,
  placeOf,
  signal,
  time,
  unread,
} from './arguments.js';

const SENDING = {
  target: anyText,
  concurrency: integer(1, MOST),
  stop: signal,
  abort: signal,
  stopCode: callback,
  onEvent: callback,
} satisfies Partial<Record<keyof DrainOptions, Reader<unknown>>>;

const DRAIN = {
  ...SENDING,
  kind: oneOf('run', 'drain'),
  limit: count,
  maxTimeMs: milliseconds,
  wait: bool,
} satisfies Record<keyof DrainOptions, Reader<unknown>>;

const WATCH = { ...SENDING, onTurn: callback, onUnknownTarget: callback, isReload: bool } satisfies Record<
  keyof WatchOptions,
  Reader<unknown>
>;

/** One of the two: both, or none, would be a guess. */
const timeOrDelay: Reader<{ at: number } | { delayMs: number }> = (value, at) => {
  const { at: moment, delayMs } = options({ at: time, delayMs: milliseconds })(value, at);
  if (moment !== undefined && delayMs === undefined) return { at: moment };
  return moment === undefined && delayMs !== undefined ? { delayMs } : fail(at, 'needs either at or delayMs');
};

const pauseScope: Reader<PauseScope> = (value, at) => {
  if (value === 'all') return value;
  const given = options({ target: anyText, entity })(value, at);
  if (given.target !== undefined && given.entity === undefined) return { target: given.target };
  return given.target === undefined && given.entity !== undefined
    ? { entity: given.entity }
    : fail(at, 'must be "all", { target } or { entity }');
};

const ON_ITEMS = { filter, dryRun: bool };
const COMMANDS = {
  retry: options({ kind: anyText, ...ON_ITEMS, expires: timeOrDelay }, ['filter', 'dryRun']),
  discard: options({ kind: anyText, ...ON_ITEMS }, ['filter', 'dryRun']),
  complete: options({ kind: anyText, ...ON_ITEMS }, ['filter', 'dryRun']),
  pause: options({ kind: anyText, what: pauseScope, until: time }, ['what']),
  resume: options({ kind: anyText, what: pauseScope }, ['what']),
  'accept-target': options({ kind: anyText, name: anyText, baseUrl: anyText }, ['name']),
  'rename-target': options({ kind: anyText, from: anyText, to: anyText }, ['from', 'to']),
} satisfies Record<QueueCommand['kind'], Reader<unknown>>;
const commandKind = oneOf(...(Object.keys(COMMANDS) as QueueCommand['kind'][]));

const ENTRY = {
  item: id,
  target: anyText,
  who: anyText,
  command: anyText,
  event: anyText,
  reason: anyText,
  detail: anyObject,
} satisfies Record<keyof Omit<HistoryEntry, 'id' | 'at'>, Reader<unknown>>;

type Second<F extends (...args: never[]) => unknown> = NonNullable<Parameters<F>[1]>;

export const readLimit = argument<number>('limit', count);
export const readKey = argument<string>('key', anyText);
export const readNames = argument<string[]>('targets', list(anyText, 0));
export const readPage = argument<Second<Queue['list']>>('page', options({ after: count, limit: count }));
export const readDrain = argument<DrainOptions>('options', options(DRAIN));
export const readWatch = argument<WatchOptions>('options', options(WATCH));
export const readDryRun = argument<{ target?: string; limit?: number }>(
  'options',
  options({ target: anyText, limit: count }),
);
export const readWait = argument<Second<Queue['wait']>>('options', options({ timeoutMs: milliseconds, stop: signal }));
export const readEnqueueFrom = argument<EnqueueFromOptions>(
  'options',
  options({ partial: bool, stream: bool, onLines: callback }),
);
export const readRetry = argument<NonNullable<Parameters<Queue['retry']>[2]>>(
  'options',
  options({ expires: timeOrDelay, dryRun: bool }),
);
export const readHistory = argument<NonNullable<Parameters<Queue['history']>[0]>>(
  'filter',
  options({ item: id, since: time, limit: count }),
);
export const readEntry = argument<Omit<HistoryEntry, 'id' | 'at'>>(
  'entry',
  options(ENTRY, ['who', 'command', 'event']),
);
export const readSomeActor = argument<Partial<Actor>>('by', options(ACTOR));
const ifQueued = argument<{ ifQueued?: IfQueued }>(
  'options',
  options({ ifQueued: oneOf('append', 'keep', 'replace') }),
);

/** @param hasEntity what is queued is looked for by entity: without one, the write would be appended without a word */
export function readIfQueued(value: unknown, hasEntity: boolean): IfQueued {
  const { ifQueued: mode = 'append' } = ifQueued(value);
  if (mode !== 'append' && !hasEntity) {
    fail(placeOf('options.ifQueued'), `${mode} needs a write with an entity`);
  }
  return mode;
}

/** The command, of the shape that its kind has. */
export const readCommand = argument<QueueCommand>('command', (value, at) => {
  const { kind } = anyObject(value, at);
  return COMMANDS[commandKind(kind, below(at, 'kind'))](value, at);
});

/** Of a call that opens a queue. */
export const readOpening = argument<{
  queue: unknown;
  config?: Record<string, unknown>;
  baseDir?: string;
  mode?: 'read' | 'write' | 'create';
  env?: Record<string, string | undefined>;
}>(
  'options',
  options(
    {
      queue: unread,
      config: unread,
      baseDir: text,
      mode: oneOf('read', 'write', 'create'),
      env: anyObject,
    },
    ['queue'],
  ),
);
