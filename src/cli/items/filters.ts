/**
 * The filter flags of `inspect`, `retry` and similar commands: the same flag twice means or, different flags mean and.
 */
import { Flags } from '@oclif/core';
import { QueueError } from '../../core/nouns/errors.js';
import { parseSince } from '../../core/input/time.js';
import type { Entity, ReviewReason, StateFilter } from '../../core/nouns/item.js';
import { REVIEW_REASONS, STATES, WAITING_KINDS } from '../../core/nouns/item.js';
import type { Filter } from '../../core/index.js';
import { shellWord } from '../../core/policy/shell-word.js';

const several = { multiple: true, multipleNonGreedy: true } as const;

export const filterFlags = {
  state: Flags.string({
    ...several,
    description: 'pending (or of these due, waiting, blocked, held), sending, review, completed, discarded, or all',
    options: [...STATES, ...WAITING_KINDS, 'all'],
    helpGroup: 'FILTER',
    helpValue: 'STATE',
  }),
  entity: Flags.string({
    ...several,
    description: 'items about this entity, or about all of a type',
    helpGroup: 'FILTER',
    helpValue: 'TYPE[/ID]',
  }),
  target: Flags.string({ ...several, description: 'items for this target', helpGroup: 'FILTER', helpValue: 'NAME' }),
  operation: Flags.string({
    ...several,
    description: 'items of this operation',
    helpGroup: 'FILTER',
    helpValue: 'NAME',
  }),
  tag: Flags.string({ ...several, description: 'items with this tag', helpGroup: 'FILTER', helpValue: 'TAG' }),
  reason: Flags.string({
    ...several,
    description: 'items in review for this reason',
    options: [...REVIEW_REASONS],
    helpGroup: 'FILTER',
  }),
  status: Flags.string({
    ...several,
    description: 'items whose last answer had this status',
    helpGroup: 'FILTER',
    helpValue: '422|4xx',
  }),
  since: Flags.string({
    description: 'items stored at this time or later, or within this time',
    helpGroup: 'FILTER',
    helpValue: 'TIME|DUR',
  }),
  until: Flags.string({ description: 'items stored before this time', helpGroup: 'FILTER', helpValue: 'TIME|DUR' }),
  like: Flags.integer({
    description: 'items in review for the same cause as this one',
    helpGroup: 'FILTER',
    helpValue: 'ID',
    min: 1,
  }),
  behind: Flags.integer({
    description: 'items that wait for this item',
    helpGroup: 'FILTER',
    helpValue: 'ID',
    min: 1,
  }),
  search: Flags.string({
    description: "items with this text in path, entity, tags, key or the server's message",
    helpGroup: 'FILTER',
    helpValue: 'TEXT',
  }),
};

export interface FilterFlags {
  state?: string[] | undefined;
  entity?: string[] | undefined;
  target?: string[] | undefined;
  operation?: string[] | undefined;
  tag?: string[] | undefined;
  reason?: string[] | undefined;
  status?: string[] | undefined;
  since?: string | undefined;
  until?: string | undefined;
  like?: number | undefined;
  behind?: number | undefined;
  search?: string | undefined;
}

/** True when any of the flags was given. */
export function hasFilter(flags: FilterFlags): boolean {
  return Object.keys(filterFlags).some((name) => flags[name as keyof FilterFlags] !== undefined);
}

/** The flags as they can be typed again. */
export function filterWords(flags: FilterFlags): string {
  return (Object.keys(filterFlags) as (keyof FilterFlags)[])
    .flatMap((name) => [flags[name] ?? []].flat().map((value) => `--${name} ${shellWord(String(value))}`))
    .join(' ');
}

/**
 * @param now epoch ms that `--since` and `--until` are relative to
 * @throws {QueueError} code 'usage'
 */
export function filterOf(flags: FilterFlags, now: number): Filter {
  const filter: Filter = {};
  // All states by name: a list without states shows unfinished items.
  if (flags.state !== undefined) filter.states = flags.state.includes('all') ? STATES : (flags.state as StateFilter[]);
  if (flags.entity !== undefined) filter.entities = flags.entity.map(entityFilter);
  if (flags.target !== undefined) filter.targets = flags.target;
  if (flags.operation !== undefined) filter.operations = flags.operation;
  if (flags.tag !== undefined) filter.tags = flags.tag;
  if (flags.reason !== undefined) filter.reasons = flags.reason as ReviewReason[];
  if (flags.status !== undefined) filter.statuses = flags.status.map(statusRange);
  if (flags.since !== undefined) filter.since = timeOf('since', flags.since, now);
  if (flags.until !== undefined) filter.until = timeOf('until', flags.until, now);
  if (flags.like !== undefined) filter.like = flags.like;
  if (flags.behind !== undefined) filter.behind = flags.behind;
  if (flags.search !== undefined) filter.search = flags.search;
  return filter;
}

/** `person` and `person/*` = every entity of the type; `person/7` = that one. */
function entityFilter(text: string): { type: string; id: string | undefined } {
  const slash = text.indexOf('/');
  const type = slash < 0 ? text : text.slice(0, slash);
  const id = slash < 0 ? '*' : text.slice(slash + 1);
  if (type === '' || id === '') {
    throw new QueueError('usage', '--entity lacks a type or an id', {
      hint: 'Write person/7, or person for all of them.',
    });
  }
  return { type, id: id === '*' ? undefined : id };
}

/** `type/id` of one entity, for `pause` and `resume`. */
export function entityOf(text: string): Entity {
  const { type, id } = entityFilter(text);
  if (id === undefined) {
    throw new QueueError('usage', '--entity names a type without an id', {
      hint: 'Write TYPE/ID, for example activity/42.',
    });
  }
  return { type, id };
}

function statusRange(text: string): { from: number; to: number } {
  const match = /^([1-5])(?:xx|(\d\d))$/i.exec(text);
  if (match === null) {
    throw new QueueError('usage', '--status is neither a status nor a class', {
      hint: 'Write 422, or 4xx for all of that class.',
    });
  }
  const hundred = Number(match[1]) * 100;
  return match[2] === undefined ? { from: hundred, to: hundred + 99 } : { from: Number(text), to: Number(text) };
}

function timeOf(flag: string, text: string, now: number): number {
  return inFlag(flag, () => parseSince(text, now));
}

/** Runs `read`; a refusal gets the flag's name. */
export function inFlag<T>(flag: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof QueueError) || error.code !== 'usage') throw error;
    throw new QueueError('usage', `--${flag}: ${error.message}`, error.hint === undefined ? {} : { hint: error.hint });
  }
}
