/** What a drain, a dry run and a watch may be told, and what a dry run answers. */
import type { QueueEvent } from '../nouns/events.js';

export interface DrainOptions {
  kind?: 'run' | 'drain';
  /** Only this target. */
  target?: string;
  /** Attempts started at most. */
  limit?: number;
  /** Requests in flight in all, one per lane. Default 1. */
  concurrency?: number;
  maxTimeMs?: number;
  /** Go on while anything in scope can move by itself. */
  wait?: boolean;
  /** Stops claiming when aborted; requests in flight end (10 s at most). */
  stop?: AbortSignal;
  /** Aborts the requests in flight too: they are recorded as unknown. */
  abort?: AbortSignal;
  /** The exit code that what stopped it gives the process, for `status` to tell; undefined = its usual one. */
  stopCode?: () => number | undefined;
  /**
   * Told of everything, in the middle of sending; nothing waits for it. What it throws disturbs no delivery: requests in
   * flight end and are recorded, nothing more is claimed (as with `stop`), and the run rejects with the first such error
   * when it is over. It is called on meanwhile.
   */
  onEvent?: (event: QueueEvent) => void;
}

export type WatchOptions = Pick<DrainOptions, 'target' | 'concurrency' | 'stop' | 'abort' | 'stopCode' | 'onEvent'> & {
  /** Called at least every 90 s while the loop is alive, for a watchdog. */
  onTurn?: () => void;
  /** Items go to a target that the config does not name: a config that is read again may. Else it is held, and says so. */
  onUnknownTarget?: (name: string) => void;
  /** The config was read again: that it has lost the target is no mistake of the caller, and the items are held. */
  isReload?: boolean;
};

export interface DryRunRow {
  item: number;
  target: string;
  method: string;
  url: string;
  payloadBytes: number | undefined;
}
