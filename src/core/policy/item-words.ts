/** Phrases that name items by their ids, and phrases about what the server may already have. */
import type { PrunedItem, ReviewReason } from '../nouns/item.js';
import { moment, type TimeView } from './time-words.js';

/** Up to this many ids are listed; beyond it only their number is given. */
const MOST_NAMED = 10;

/** `item 7`, `items 7, 8`; at most ten ids are listed. */
export function itemWords(ids: readonly number[]): string {
  const shown = ids.slice(0, MOST_NAMED).join(', ');
  const more = ids.length > MOST_NAMED ? ` and ${ids.length - MOST_NAMED} more` : '';
  return `${ids.length === 1 ? 'item' : 'items'} ${shown}${more}`;
}

/** Number of the attempt whose effect is unknown; 0 = the item is a copy, and its original may have sent it. */
export function arrivalWords(number: number): string {
  return number === 0 ? 'the original may have sent it' : `attempt ${number} may have arrived`;
}

/** What people must know before they act on items that are in review for one cause. */
export function arrivedWords({ mayHaveArrived }: { mayHaveArrived: boolean }): string {
  return mayHaveArrived ? ', may have arrived' : '';
}

/** What is left to say of an item that retention removed. */
export function prunedWords({ state, removedAt }: PrunedItem, view: TimeView): string {
  return `${state}, and removed at ${moment(removedAt, view)} by the retention rules`;
}

/** Review reasons that syncq gives itself; their message comes from no attempt. */
export const OWN_REASONS: readonly ReviewReason[] = ['expired', 'editing'];
