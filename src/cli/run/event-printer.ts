/** Prints a runner's events in order, without making the runner wait for the reader. */
import type { QueueEvent } from '../../core/nouns/events.js';
import { OutputClosed } from '../program/output.js';

export interface EventPrinter {
  /** Never throws; `done` reports write errors. */
  handle(event: QueueEvent): void;
  /** Waits until everything is written. @throws what the first failing write threw */
  done(): Promise<void>;
}

/**
 * @param write prints one event; returns undefined for one that is not printed
 * @param onFailure a write failed (closed pipe, full disk): the runner may stop
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

/** Events for cron mails: an item or a target newly needs a person. */
export function needsPerson(event: QueueEvent): boolean {
  return (
    event.event === 'review' || (event.event === 'held' && (event.state === 'auth' || event.state === 'misconfigured'))
  );
}
