/** Chooses the items of `retry`, `discard` and `complete`: ids, ids on stdin, filters, or all. */
import { Args, Flags } from '@oclif/core';
import type { Filter } from '../../core/index.js';
import type { FilterFlags } from './filters.js';
import { filterOf, hasFilter } from './filters.js';
import { readIds } from './ids.js';
import { refuseUsage } from '../program/usage.js';

export const itemArgs = {
  id: Args.string({ description: 'ids of items, or - for ids on stdin', multiple: true, ignoreStdin: true }),
};

/** Shared flags of commands that discard or complete items. */
export const confirmFlags = {
  yes: Flags.boolean({ char: 'y', description: 'do not ask; required without a terminal' }),
  'dry-run': Flags.boolean({ description: 'count by cause, change nothing' }),
};

/**
 * @throws {QueueError} code 'usage' unless exactly one of ids, filters and --all is given
 */
export async function chosenItems(
  words: readonly string[],
  flags: FilterFlags & { all: boolean },
  now: number,
): Promise<Filter> {
  const byFilter = flags.all || hasFilter(flags);
  if (words.length > 0 === byFilter) {
    refuseUsage(
      byFilter ? 'ids and filters are given together' : 'nothing says which items',
      'Give ids, - for ids on stdin, filters, or --all.',
    );
  }
  if (!byFilter) return { ids: await readIds(words, process.stdin) };
  // A filter means review items unless it names states; --all means everything that the command can change.
  const filter = filterOf(flags, now);
  // What waits for an item is pending.
  if (flags.state === undefined)
    return { ...filter, states: flags.behind === undefined ? ['review'] : ['review', 'pending'] };
  return flags.state.includes('all') ? { ...filter, states: ['review', 'pending'] } : filter;
}
