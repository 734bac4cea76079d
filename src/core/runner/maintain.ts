/** Applies the retention rules beside the sending: at most once an hour, a few items per commit. */
import type { Clock } from '../nouns/clock.js';
import type { Config } from '../nouns/config.js';
import type { Store } from '../store/store.js';
import { hasRules, isPruneDue, PRUNE_BATCH, PRUNE_EVERY_MS, pruneRules } from '../policy/retention.js';

export interface MaintainDeps {
  store: Store;
  config: Pick<Config, 'retention'>;
  clock: Clock;
}

/** Pause between two commits, ms: whoever sends or enqueues goes first. */
const BREATH_MS = 20;

/**
 * Applies the rules when due, for at most `budgetMs`; the next call continues. A failure (a full disk, a busy file)
 * does not stop the sending.
 */
export async function maintain(deps: MaintainDeps, budgetMs: number, signal?: AbortSignal): Promise<void> {
  await carryOut(deps, budgetMs, signal).catch(() => undefined);
}

async function carryOut({ store, config, clock }: MaintainDeps, budgetMs: number, signal?: AbortSignal): Promise<void> {
  const now = clock.now();
  const rules = pruneRules(config.retention, now);
  if (!hasRules(rules) || !isPruneDue(await store.lastPrune(), now)) return;
  // With nothing to remove, `run` under cron must not write.
  const { items, payloads } = await store.prune(rules, { limit: 1, dryRun: true, now });
  if (items + payloads === 0) return;
  const deadline = clock.monotonic() + budgetMs;
  while (signal?.aborted !== true && clock.monotonic() < deadline) {
    const { more } = await store.prune(rules, { limit: PRUNE_BATCH, dryRun: false, now });
    if (!more) return;
    await clock.sleep(BREATH_MS, signal);
  }
}

/** For a long-lived runner: checks once an hour until `signal` aborts. */
export async function maintainAlways(deps: MaintainDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await maintain(deps, Infinity, signal);
    await deps.clock.sleep(PRUNE_EVERY_MS, signal);
  }
}
