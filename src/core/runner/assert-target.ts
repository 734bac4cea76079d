/** Checks a target name against the config and the queue. */
import type { Config } from '../nouns/config.js';
import { QueueError } from '../nouns/errors.js';
import type { Store } from '../store/store.js';

/**
 * Refuses an unknown name before a runner takes the right to send.
 *
 * @throws {QueueError} unknown-target
 */
export async function assertTarget(
  { store, config }: { store: Pick<Store, 'targets'>; config: Pick<Config, 'targets'> },
  name: string | undefined,
): Promise<void> {
  if (name === undefined || config.targets.has(name)) return;
  if ((await store.targets()).some((row) => row.name === name)) return;
  throw new QueueError('unknown-target', `there is no target ${name}`, { hint: 'syncq target list' });
}
