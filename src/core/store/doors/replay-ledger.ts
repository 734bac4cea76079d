/** Finds the ledger of one queue's replays to one target. */
import { existsSync } from 'node:fs';

import { ledgerPath, openReplayLedger } from '../sqlite/replay-ledger.js';
import type { ReplayLedger } from '../replay-ledger.js';

/**
 * @param mode `read` makes none: undefined when nothing was ever replayed
 * @throws {QueueError} busy while another replay to the same target is at work; unwritable
 */
export function openLedger(
  directory: string,
  { queue, target, baseUrl }: { queue: string; target: string; baseUrl: string },
  mode: 'read' | 'write',
): ReplayLedger | undefined {
  const path = ledgerPath(directory, queue, target, baseUrl);
  return mode === 'read' && !existsSync(path) ? undefined : openReplayLedger(path);
}
