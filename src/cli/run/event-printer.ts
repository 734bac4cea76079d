/** Prints a runner's events while it works: the runner does not wait for the reader, but nothing is printed out of order. */
import type { QueueEvent } from '../../core/nouns/events.js';
import { OutputClosed } from '../program/output.js';

export interface EventPrinter {
  /** Never throws: what the reader does is told by `done`. */
  handle(event: QueueEvent): void;
  /** Waits until everything is written. @throws what the first failing write threw */
  done(): Promise<void>;
}

/**
 * @param write prints one event; answers undefined for one that is not printed
 * @param onFailure nobody reads any more (or the disk is full): the runner may stop
 */
export function printEvents(
  write: (event: QueueEvent) => Promise<void> | undefined,
  onFailure: () => void,
): EventPrinter {
  let last: Promise<void> = Promise.resolve();
  let failure: { error: unknown } | undefined;
  return {
    handle: (event) => {
      last = last.then(async () => {
        if (failure !== undefined) return;
        try {
          await write(event);
        } catch (error) {
          failure = { error };
          onFailure();
        }
      });
    },
    done: async () => {
      await last;
      if (failure !== undefined && !(failure.error instanceof OutputClosed)) throw failure.error;
    },
  };
}

/** What cron is told of: an item that newly needs a person, and a target that does. */
export function needsPerson(event: QueueEvent): boolean {
  return (
    event.event === 'review' || (event.event === 'held' && (event.state === 'auth' || event.state === 'misconfigured'))
  );
}
