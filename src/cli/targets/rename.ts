/** Renames a target in both places that know it, so that a failure in between leaves a state that a second try ends. */
import type { Config } from '../../core/nouns/config.js';
import type { Actor, Queue } from '../../core/index.js';
import { QueueError } from '../../core/index.js';
import { renameTargetInConfig } from './config-edit.js';

export interface Rename {
  queue: Queue;
  config: Config;
  from: string;
  to: string;
  by: Actor;
}

/**
 * The queue first: if the config cannot be written then, the target is held as not in the config, nothing is sent to
 * the wrong place, and the same command again does the rest.
 *
 * @returns where it was renamed: `queue`, `config`
 * @throws {QueueError} `unknown-target` when neither knows it; `usage` when the new name is taken
 */
export async function renameTarget({ queue, config, from, to, by }: Rename): Promise<string[]> {
  const names = new Set((await queue.targetSummaries()).map(({ row }) => row.name));
  const inQueue = names.has(from);
  const inConfig = config.targets.has(from);
  if (!inQueue && !inConfig) {
    throw new QueueError('unknown-target', `neither the config nor the queue knows a target ${from}`, {
      hint: 'See what there is: syncq target list',
    });
  }
  if (from === to || (inConfig && config.targets.has(to)) || (inQueue && names.has(to))) {
    throw new QueueError('usage', `the name ${to} is taken; nothing was renamed`, { hint: 'Choose another name.' });
  }
  const done: string[] = [];
  if (inQueue) {
    await queue.desk.renameTarget(from, to, by);
    done.push('queue');
  }
  if (inConfig && config.source !== undefined) {
    renameTargetInConfig(config.source, from, to);
    done.push('config');
  }
  return done;
}
