/**
 * Runs the core's loop for `watch`: passes every event to the printer or the live view, hooks, metrics and systemd, and
 * restarts the loop with the new config after a reload.
 */
import type { Queue, QueueEvent, WatchOptions } from '../../core/index.js';
import { sentence } from '../../render/events.js';
import { oneLine } from '../../render/printable.js';
import type { Hooks } from './hooks.js';
import type { MetricsServer } from './metrics-server.js';
import type { CliQueue } from '../queue/open-queue.js';
import type { ServiceManager } from './service-manager.js';

/** Shows events in order; the loop waits for it. */
export interface Shower {
  show: (event: QueueEvent) => Promise<void>;
  end: () => Promise<void>;
}

/** Other listeners; nothing waits for them. */
export interface Surround {
  service: ServiceManager;
  metrics: MetricsServer | undefined;
  /** Created again for each config. */
  hooks: (opened: CliQueue) => Hooks;
  /** Counts since the start, across reloads. */
  counts: { delivered: number };
}

/** Time for running hooks when the watch stops, ms; less if requests took long: everything ends within 10 s. */
const HOOK_PATIENCE_MS = 5_000;
const LEAST_HOOK_PATIENCE_MS = 300;
const STOP_MS = 9_800;

/** @throws what the loop or the display threw; leaving the iteration stops the loop and releases the queue */
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

/** Reports readiness once the watch works or stands by, then its state in one line. */
function statusTeller(service: ServiceManager, counts: Surround['counts']): (event: QueueEvent) => void {
  let isReady = false;
  return (event) => {
    if (!isReady && (event.event === 'started' || event.event === 'standby')) {
      isReady = true;
      service.ready();
    }
    if (event.event === 'delivered') counts.delivered += 1;
    if (event.event === 'sending' || event.event === 'retrying') return;
    const line =
      event.event === 'delivered' ? 'delivering' : oneLine(sentence(event, { now: event.at, terminal: true }));
    service.status(`${line} (${counts.delivered} delivered since the start)`);
  };
}
