/** Takes the events of the background loop one by one and prints them; ends with the loop or when nobody reads them. */
import type { Queue, QueueEvent, WatchOptions } from '../core/index.js';

/** @throws what the loop or the printing threw; leaving the iteration stops the loop, so the queue is let go of */
export async function watchQueue(
  queue: Queue,
  options: WatchOptions,
  print: (event: QueueEvent) => Promise<void>,
): Promise<void> {
  for await (const event of queue.watch(options)) await print(event);
}
