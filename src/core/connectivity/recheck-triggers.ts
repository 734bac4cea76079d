/** Watches for reasons to check all targets again: the network changed, the machine slept, the clock was set. */
import type { Clock } from '../nouns/clock.js';
import { networkFingerprint } from './interfaces.js';
import { watchNetwork } from './network-changes.js';

export interface RecheckTriggerOptions {
  clock: Clock;
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
  /** True while something waits for the network; then interfaces are polled. */
  isWaiting: () => boolean;
}

export interface News {
  kind: 'network' | 'woke';
  /** Connections made before may lead nowhere: addresses changed, or time was lost. */
  isBreak: boolean;
  /** How far the wall clock ran back, ms; 0 = it did not. */
  backMs: number;
}

/** How often the clocks are compared, ms. */
const LOOK_MS = 1_000;

/** A gap that means: the machine slept, this process was stopped, or somebody set the clock; ms. */
const GAP_MS = 5_000;

/** Until `signal`. A failure of `onNews` ends it. */
export async function watchRecheckTriggers(
  options: RecheckTriggerOptions,
  onNews: (news: News) => void | Promise<void>,
): Promise<void> {
  let addresses = networkFingerprint();
  const look = (): boolean => {
    const before = addresses;
    addresses = networkFingerprint();
    return addresses !== before;
  };
  const hints = watchNetwork(options, () => void onNews({ kind: 'network', isBreak: look(), backMs: 0 }));
  await watchClocks(options, onNews, () => options.isWaiting() && look());
  await hints;
}

async function watchClocks(
  { clock, signal }: RecheckTriggerOptions,
  onNews: (news: News) => void | Promise<void>,
  hasNewAddress: () => boolean,
): Promise<void> {
  const isOver = (): boolean => signal.aborted;
  let offset = clock.now() - clock.monotonic();
  while (!isOver()) {
    const before = clock.monotonic();
    await clock.sleep(LOOK_MS, signal);
    if (isOver()) return;
    // Forward: the machine slept or the clock was set. Late: the process was stopped or the machine overloaded.
    const gap = clock.now() - clock.monotonic() - offset;
    const late = clock.monotonic() - before - LOOK_MS;
    offset += gap;
    if (Math.abs(gap) >= GAP_MS || late >= GAP_MS)
      await onNews({ kind: 'woke', isBreak: true, backMs: Math.max(0, -gap) });
    else if (hasNewAddress()) await onNews({ kind: 'network', isBreak: true, backMs: 0 });
  }
}
