/**
 * `watch` around the core's loop: hands every event to whoever wants it (the printer or the live view, hooks, metrics,
 * systemd), and starts the loop anew with the config read again when it is asked to.
 */
import type { Queue, QueueEvent, WatchOptions } from '../../core/index.js';
import { sentence } from '../../render/events.js';
import { oneLine } from '../../render/printable.js';
import type { Hooks } from './hooks.js';
import type { MetricsServer } from './metrics-server.js';
import type { CliQueue } from '../queue/open-queue.js';
import type { ServiceManager } from './service-manager.js';

/** Shows events, in order; the loop waits for it. */
export interface Shower {
  show: (event: QueueEvent) => Promise<void>;
  end: () => Promise<void>;
}

/** What happens beside showing: nothing waits for these. */
export interface Surround {
  service: ServiceManager;
  metrics: MetricsServer | undefined;
  /** Made anew for each config. */
  hooks: (opened: CliQueue) => Hooks;
  /** Since the start, also across a reload. */
  counts: { delivered: number };
}

/** Hooks under way get this long when the watch stops, ms; less where requests took their time: all is over in 10 s. */
const HOOK_PATIENCE_MS = 5_000;
const LEAST_HOOK_PATIENCE_MS = 300;
const STOP_MS = 9_800;

/** @throws what the loop or the showing threw; leaving the iteration stops the loop, so the queue is let go of */
export async function watchOnce(
  opened: CliQueue,
  options: WatchOptions,
  shower: Shower,
  { service, metrics, hooks: startHooks, counts }: Surround,
): Promise<void> {
  const hooks = startHooks(opened);
  metrics?.use(opened.queue);
  const tell = statusTeller(service, counts);
  let stoppedAt = performance.now();
  options.stop?.addEventListener('abort', () => (stoppedAt = performance.now()), { once: true });
  const onEvent = (event: QueueEvent): void => {
    hooks.handle(event);
    metrics?.handle(event);
    tell(event);
  };
  try {
    await showAll(opened.queue, { ...options, onEvent, onTurn: () => service.beat() }, shower);
  } finally {
    await shower.end();
    const left = stoppedAt + STOP_MS - performance.now();
    await hooks.end(Math.max(LEAST_HOOK_PATIENCE_MS, Math.min(HOOK_PATIENCE_MS, left)));
  }
}

async function showAll(queue: Queue, options: WatchOptions, shower: Shower): Promise<void> {
  for await (const event of queue.watch(options)) await shower.show(event);
}

/** Ready once it works or stands by; then what it does, in one line. */
function statusTeller(service: ServiceManager, counts: Surround['counts']): (event: QueueEvent) => void {
  let isReady = false;
  return (event) => {
    if (!isReady && (event.event === 'started' || event.event === 'standby')) {
      isReady = true;
      service.ready();
    }
    if (event.event === 'delivered') counts.delivered += 1;
    if (event.event === 'sending' || event.event === 'retrying') return;
    const line = event.event === 'delivered' ? 'delivering' : oneLine(sentence(event, event.at));
    service.status(`${line} (${counts.delivered} delivered since the start)`);
  };
}
