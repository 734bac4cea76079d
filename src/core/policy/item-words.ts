/** Items by their ids, and what may have arrived of them, as a sentence names them. */
import type { ReviewReason } from '../nouns/item.js';

/** Ids that are named before they are counted. */
const MOST_NAMED = 10;

/** `item 7`, `items 7, 8`, and no more than ten of them by name. */
export function itemWords(ids: readonly number[]): string {
  const shown = ids.slice(0, MOST_NAMED).join(', ');
  const more = ids.length > MOST_NAMED ? ` and ${ids.length - MOST_NAMED} more` : '';
  return `${ids.length === 1 ? 'item' : 'items'} ${shown}${more}`;
}

/** What an item remembers of an attempt whose effect is not known; 0 = it is a copy, and its original may have sent it. */
export function arrivalWords(number: number): string {
  return number === 0 ? 'the original may have sent it' : `attempt ${number} may have arrived`;
}

/** Of items in review for one cause: what people must know before they do anything to them. */
export function arrivedWords({ mayHaveArrived }: { mayHaveArrived: boolean }): string {
  return mayHaveArrived ? ', may have arrived' : '';
}

/** Reasons of review that syncq gives by itself: their words come from no attempt. */
export const OWN_REASONS: readonly ReviewReason[] = ['expired', 'editing'];
