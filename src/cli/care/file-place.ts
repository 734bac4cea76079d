/** Finds the queue file for commands that work on the file itself, not on an open queue (doctor, backup). */
import { systemClock } from '../../core/nouns/clock.js';
import type { FilePlace } from '../../core/store/doors/care.js';
import { assertDriver } from '../../core/store/doors/open-store.js';
import { QueueError } from '../../core/nouns/errors.js';
import type { ConfigLookup, LenientConfig } from '../queue/config-file.js';
import { loadConfigLeniently, resolveQueueLeniently } from '../queue/config-file.js';
import { isMissing } from '../queue/open-queue.js';
import { environment } from '../program/environment.js';
import { refuseUsage } from '../program/usage.js';

export interface FoundFile extends FilePlace {
  /** False: there is no file at the default place, and nobody named one. */
  exists: boolean;
  config: LenientConfig;
}

/**
 * @param flag `--queue`; undefined = not given
 * @throws {QueueError} `queue-not-found` when a named file does not exist; `usage` for a queue that is not a file;
 *   `driver-missing`
 */
export function findFile(flag: string | undefined, lookup: ConfigLookup, dataDir: string): FoundFile {
  const config = loadConfigLeniently(lookup);
  const env = environment();
  const place = resolveQueueLeniently(config, { flag, env, cwd: lookup.cwd, dataDir });
  if (place.kind !== 'file') refuseUsage('this command works on queue files only', 'Name a file with --queue.');
  assertDriver();
  const exists = !isMissing(place);
  if (!exists && place.named) {
    throw new QueueError('queue-not-found', `no queue at ${place.location}`, {
      hint: 'check --queue and SYNCQ_QUEUE; the first syncq enqueue makes a queue',
    });
  }
  const allowNetworkDisk = env['SYNCQ_ALLOW_NETWORK_DISK'] === '1';
  return { path: place.location, clock: systemClock, allowNetworkDisk, exists, config };
}
