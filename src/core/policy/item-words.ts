/** Items by their ids, as a sentence names them. */

/** Ids that are named before they are counted. */
const MOST_NAMED = 10;

/** `item 7`, `items 7, 8`, and no more than ten of them by name. */
export function itemWords(ids: readonly number[]): string {
  const shown = ids.slice(0, MOST_NAMED).join(', ');
  const more = ids.length > MOST_NAMED ? ` and ${ids.length - MOST_NAMED} more` : '';
  return `${ids.length === 1 ? 'item' : 'items'} ${shown}${more}`;
}
