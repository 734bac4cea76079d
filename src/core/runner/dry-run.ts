/** Lists what a drain would send first. Reads only; needs neither the right to send nor a credential. */
import type { Config } from '../nouns/config.js';
import { isSendable } from '../policy/target-state.js';
import type { DryRunRow } from './options.js';
import type { Store } from '../store/store.js';
import { configOf } from './channels.js';
import { assertTarget } from './assert-target.js';

const DEFAULT_LIMIT = 1_000;

/**
 * In the order of the log: lane heads that are due, and what stands behind them as far as every earlier one of the lane
 * goes too.
 *
 * @throws {QueueError} unknown-target
 */
export async function dryRun(
  store: Store,
  config: Config,
  now: number,
  { target, limit = DEFAULT_LIMIT }: { target?: string; limit?: number },
): Promise<DryRunRow[]> {
  await assertTarget({ store, config }, target);
  const open = (await store.targets()).flatMap((row) => {
    const baseUrl = configOf(row, config)?.baseUrl;
    const isMeant = isSendable(row, now) && (target === undefined || row.name === target);
    return isMeant && baseUrl !== undefined ? [{ id: row.id, name: row.name, baseUrl }] : [];
  });
  const byId = new Map(open.map((row) => [row.id, row]));
  const found = await store.upcoming([...byId.keys()], { limit, now });
  return found.flatMap(({ item, target: id, method, path, payloadBytes }) => {
    const row = byId.get(id);
    return row === undefined ? [] : [{ item, target: row.name, method, url: row.baseUrl + path, payloadBytes }];
  });
}
