/** Events of a runner at work: `watch --json` and `run --events` print one per line, the library yields them. */
import type { Outcome, ReviewReason, TargetStateName } from './item.js';

interface Base {
  /** Epoch ms. */
  at: number;
}

interface ItemEvent extends Base {
  item: number;
  target: string;
  /** `type/id`, or undefined. */
  entity: string | undefined;
  method: string;
  path: string;
}

export type QueueEvent =
  | (Base & { event: 'started'; kind: 'run' | 'watch' | 'drain'; pid: number })
  /** Another runner holds the queue; `watch` takes over when it ends. */
  | (Base & { event: 'standby'; runner: { kind: string; pid: number; host: string } | undefined })
  | (Base & { event: 'online'; target: string; reason: string | undefined })
  | (Base & { event: 'offline'; target: string; reason: string | undefined })
  /** The target is held for a reason other than being offline. */
  | (Base & {
      event: 'held';
      target: string;
      state: TargetStateName;
      reason: string | undefined;
      until: number | undefined;
    })
  | (ItemEvent & { event: 'sending'; attempt: number })
  | (ItemEvent & { event: 'delivered'; attempt: number; status: number | undefined; durationMs: number })
  | (ItemEvent & {
      event: 'retrying';
      attempt: number;
      outcome: Outcome;
      status: number | undefined;
      message: string;
      counted: boolean;
      /** When the item may be tried again; undefined = as soon as its target allows it. */
      notBefore: number | undefined;
    })
  | (ItemEvent & { event: 'review'; reason: ReviewReason; status: number | undefined; message: string })
  /** Nothing left to do for now. */
  | (Base & { event: 'idle'; pending: number; nextDueAt: number | undefined })
  | (Base & { event: 'stopped'; reason: 'drained' | 'limit' | 'time' | 'held' | 'signal' | 'lost' });
