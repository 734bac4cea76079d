/** Which target names mean something: those of the config, and those that the queue knows from its items. */
import type { Config } from '../nouns/config.js';
import { QueueError } from '../nouns/errors.js';
import type { Store } from '../store/store.js';

/**
 * Refuses a name that nothing could ever be sent to, before a runner takes the right to send for it.
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
