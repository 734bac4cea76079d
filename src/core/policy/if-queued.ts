/** What a new write does about an unsent one of the same entity and operation. Pure. */
import type { IfQueued } from '../nouns/enqueue.js';

/**
 * `append`: it is queued behind; `keep`: the unsent one stays, and nothing is queued; `replace`: the unsent one is
 * discarded, and the new one is queued.
 *
 * @param unsent undefined = there is none that was never claimed
 */
export function decideIfQueued(ifQueued: IfQueued, unsent: { isLastOfLane: () => boolean } | undefined): IfQueued {
  if (unsent === undefined) return 'append';
  // A write that another one follows must stay before it.
  return ifQueued === 'replace' && !unsent.isLastOfLane() ? 'append' : ifQueued;
}
