/** Everything outside that makes it worth looking again at once: the network, a machine that slept, a clock that was set. */
import type { Clock } from '../nouns/clock.js';
import { networkFingerprint } from './interfaces.js';
import { watchNetwork } from './network-changes.js';

export interface RecheckTriggerOptions {
  clock: Clock;
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
  /** While true, the interfaces are polled: somebody waits for them. */
  isWaiting: () => boolean;
}

export interface News {
  kind: 'network' | 'woke';
  /** Connections made before may lead nowhere: addresses changed, or time was lost. */
  isBreak: boolean;
  /** How far the wall clock ran back, ms; 0 = it did not. */
  backMs: number;
}

/** How often the clocks are held against each other, ms. */
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
    // Forward: asleep, or set. Late: this process was stopped, or the machine was busy beyond use.
    const gap = clock.now() - clock.monotonic() - offset;
    const late = clock.monotonic() - before - LOOK_MS;
    offset += gap;
    if (Math.abs(gap) >= GAP_MS || late >= GAP_MS)
      await onNews({ kind: 'woke', isBreak: true, backMs: Math.max(0, -gap) });
    else if (hasNewAddress()) await onNews({ kind: 'network', isBreak: true, backMs: 0 });
  }
}
