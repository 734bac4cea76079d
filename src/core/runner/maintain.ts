/** The retention rules at work beside the sending: at most once an hour, a few items a commit, never in a request's way. */
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
 * Carries out the rules if that is due, for at most `budgetMs`; what is left then is taken up by the next call. A failure
 * (a full disk, a busy file) is no reason to stop sending: the next call tries again.
 */
export async function maintain(deps: MaintainDeps, budgetMs: number, signal?: AbortSignal): Promise<void> {
  await carryOut(deps, budgetMs, signal).catch(() => undefined);
}

async function carryOut({ store, config, clock }: MaintainDeps, budgetMs: number, signal?: AbortSignal): Promise<void> {
  const now = clock.now();
  const rules = pruneRules(config.retention, now);
  if (!hasRules(rules) || !isPruneDue(await store.lastPrune(), now)) return;
  // Where nothing is to go, `run` under cron must not cost a write.
  const { items, payloads } = await store.prune(rules, { limit: 1, dryRun: true, now });
  if (items + payloads === 0) return;
  const deadline = clock.monotonic() + budgetMs;
  while (signal?.aborted !== true && clock.monotonic() < deadline) {
    const { more } = await store.prune(rules, { limit: PRUNE_BATCH, dryRun: false, now });
    if (!more) return;
    await clock.sleep(BREATH_MS, signal);
  }
}

/** For a runner that stays: looks once an hour, until `signal`. */
export async function maintainAlways(deps: MaintainDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await maintain(deps, Infinity, signal);
    await deps.clock.sleep(PRUNE_EVERY_MS, signal);
  }
}
