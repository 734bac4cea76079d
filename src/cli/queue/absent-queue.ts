/** Stands for a missing queue at the default place: it counts as empty, and nothing is created. */
import { systemClock } from '../../core/nouns/clock.js';
import type { Config } from '../../core/nouns/config.js';
import type { ChangeReport, DrainReport } from '../../core/index.js';
import type { CommandQueue } from '../../core/queue/queue.js';
import { QueueError } from '../../core/index.js';
import { emptyStatus } from '../../core/policy/status.js';
import { emptyReport } from '../../core/nouns/change-report.js';
import { contextOf } from '../../core/input/draft.js';
import { enqueueFrom, type BulkDeps } from '../../core/queue/enqueue-from.js';

export function absentQueue(location: string, config: Config): CommandQueue {
  const nothing = { items: [], total: 0, next: undefined };
  const notYet = (): never => {
    throw new QueueError('not-found', `there is no queue yet at ${location}; nothing was changed`, {
      hint: 'The first syncq enqueue makes it.',
    });
  };
  const store: BulkDeps['store'] = {
    bulk: async (batches) => {
      for await (const _batch of batches) notYet();
      return { firstId: undefined, lastId: undefined, count: 0, duplicates: 0 };
    },
    enqueue: async () => notYet(),
  };
  const unchanged = (missing: readonly number[]): ChangeReport => ({ ...emptyReport(), missing: [...missing] });
  return {
    location,
    archive: NO_ITEMS,
    enqueue: async () => notYet(),
    enqueueMany: async () => notYet(),
    draftContext: async () => contextOf(config, systemClock.now()),
    enqueueFrom: async (source, options = {}) =>
      enqueueFrom(source, options, { context: contextOf(config, systemClock.now()), store, clock: systemClock }),
    status: async () => ({ ...emptyStatus({ queue: location, config }), headline: [] }),
    inspect: async (ids) => ({ items: [], missing: [...ids], pruned: [] }),
    list: async () => nothing,
    attention: async () => nothing,
    findKey: async () => undefined,
    retry: async (filter) => unchanged(filter.ids ?? []),
    next: async () => ({ kind: 'no-runner' }),
    runner: async () => undefined,
    drain: async () => DRAINED,
    dryRun: async () => [],
    watch: () => notYet(),
    wait: async () => notYet(),
    targetSummaries: async () => [],
    history: async () => [],
    // There is no history to write to.
    record: async () => undefined,
    desk: {
      revisions: async () => [],
      ages: async () => [],
      discard: async () => notYet(),
      complete: async () => notYet(),
      pause: async () => notYet(),
      resume: async () => notYet(),
      acceptTarget: async () => notYet(),
      renameTarget: async () => notYet(),
      edit: async () => notYet(),
      beginEdit: async () => notYet(),
      checkEdit: () => notYet(),
      endEdit: async () => notYet(),
      erase: async () => notYet(),
      prune: async () => ({ items: 0, payloads: 0, more: false }),
    },
    close: async () => undefined,
  };
}

const NO_ITEMS: CommandQueue['archive'] = {
  identity: async () => ({ uuid: '', copyOf: undefined }),
  targets: async () => [],
  recipients: async () => [],
  extent: async () => ({ count: 0, lastId: 0 }),
  scan: async () => [],
  store: async () => {
    throw new Error('an absent queue stores nothing');
  },
};

const DRAINED: DrainReport = {
  attempts: 0,
  delivered: 0,
  failed: 0,
  review: 0,
  remaining: { due: 0, waiting: 0, blocked: 0, held: 0 },
  held: [],
  durationMs: 0,
  stopped: 'drained',
  runner: undefined,
  needsPerson: false,
  tryLater: false,
};
