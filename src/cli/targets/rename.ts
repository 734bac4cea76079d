/** Renames a target in the queue and the config, so that the same command can finish after a failure in between. */
import type { Config } from '../../core/nouns/config.js';
import type { Actor } from '../../core/index.js';
import type { CommandQueue } from '../../core/queue/queue.js';
import { QueueError } from '../../core/index.js';
import { renameTargetInConfig } from './config-edit.js';

export interface Rename {
  queue: CommandQueue;
  config: Config;
  from: string;
  to: string;
  by: Actor;
}

/**
 * Renames in the queue first: if the config cannot be written then, the target is held as missing in the config,
 * nothing goes to the wrong server, and the same command finishes the rename.
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
