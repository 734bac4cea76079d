/** What a drain would send first: read only, without the right to send and without a credential. */
import type { Config } from '../config/types.js';
import { isSendable } from '../policy/target-state.js';
import type { DryRunRow } from '../queue.js';
import type { Store } from '../store/store.js';
import { configOf } from './channels.js';

const DEFAULT_LIMIT = 1_000;
const PAGE = 200;

/** Lane heads that are due, in the order of the log; what stands behind them follows once they are delivered. */
export async function dryRun(
  store: Store,
  config: Config,
  now: number,
  { target, limit = DEFAULT_LIMIT }: { target?: string; limit?: number },
): Promise<DryRunRow[]> {
  const rows = await store.targets();
  const open = rows.filter((row) => isSendable(row, now) && (target === undefined || row.name === target));
  const urls = new Map(open.map((row) => [row.name, configOf(row, config)?.baseUrl]));
  const found: DryRunRow[] = [];
  let after: number | undefined;
  do {
    const page = await store.select(
      { states: ['pending'], targets: open.map((row) => row.name) },
      { after, limit: PAGE, now },
    );
    for (const item of page.items) {
      const baseUrl = urls.get(item.target);
      const goes = item.waiting === 'due' || item.waiting === 'blocked';
      if (baseUrl === undefined || !goes || found.length >= limit) continue;
      found.push({
        item: item.id,
        target: item.target,
        method: item.method,
        url: baseUrl + item.path,
        payloadBytes: item.payloadBytes,
      });
    }
    after = page.next;
  } while (after !== undefined && found.length < limit);
  return found;
}
