/** Options of a drain, a dry run and a watch, and the result of a dry run. */
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
  /** Exit code that the reason for stopping gives the process, recorded for `status`; undefined = the usual one. */
  stopCode?: () => number | undefined;
  /**
   * Called for every event, in the middle of sending; nothing waits for it. If it throws, nothing more is claimed (as
   * with `stop`), requests in flight end and are recorded, and the run rejects with the first such error.
   */
  onEvent?: (event: QueueEvent) => void;
}

export type WatchOptions = Pick<DrainOptions, 'target' | 'concurrency' | 'stop' | 'abort' | 'stopCode' | 'onEvent'> & {
  /** Called at least every 90 s while the loop is alive, for a watchdog. */
  onTurn?: () => void;
  /**
   * Called when items go to a target that the config does not name. Answer with a config that was read again; otherwise
   * the target is held.
   */
  onUnknownTarget?: (name: string) => void;
  /** The config was read again and no longer names the target: not the caller's mistake, so its items are held. */
  isReload?: boolean;
};

export interface DryRunRow {
  item: number;
  target: string;
  method: string;
  url: string;
  payloadBytes: number | undefined;
}
