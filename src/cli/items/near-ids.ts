/** Suggests items for a mistyped id. */
import type { Queue } from '../../core/index.js';
import { QueueError } from '../../core/index.js';
import { itemWords } from '../program/usage.js';

const USUAL_HINT = 'See what there is: syncq inspect --state all';
/** Most suggestions. */
const MOST = 3;

/** Ids that are one typing error away: a digit missing, doubled, wrong, or two swapped. The likeliest first. */
export function slips(id: number): number[] {
  const text = String(id);
  const places = Array.from(text, (_digit, index) => index);
  const digits = Array.from('0123456789');
  const words = [
    ...places.slice(1).map((i) => text.slice(0, i - 1) + text.charAt(i) + text.charAt(i - 1) + text.slice(i + 1)),
    ...places.map((i) => text.slice(0, i) + text.slice(i + 1)),
    ...places.flatMap((i) => digits.map((digit) => text.slice(0, i) + digit + text.slice(i + 1))),
    ...[...places, text.length].flatMap((i) => digits.map((digit) => text.slice(0, i) + digit + text.slice(i))),
  ];
  const ids = words.filter((word) => /^[1-9]\d*$/.test(word)).map(Number);
  return [...new Set(ids)].filter((near) => near !== id && Number.isSafeInteger(near));
}

/** `Did you mean item 1041?` for an unfinished item nearby, else how to list items. */
export async function nearIdHint(queue: Queue, id: number): Promise<string> {
  const order = slips(id);
  const { items } = await queue.list({ ids: order, states: ['review', 'pending', 'sending'] }, { limit: order.length });
  const found = items.map((item) => item.id).sort((a, b) => order.indexOf(a) - order.indexOf(b));
  const [first] = found;
  if (first === undefined) return USUAL_HINT;
  return `Did you mean ${itemWords(found.slice(0, MOST))}? ${USUAL_HINT}`;
}

/** Runs `act`; when the item does not exist, the hint names similar ids. */
export async function withNearIds<T>(queue: Queue, id: number, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof QueueError) || error.code !== 'not-found' || !error.message.startsWith('there is no item'))
      throw error;
    throw new QueueError('not-found', error.message, { hint: await nearIdHint(queue, id), cause: error });
  }
}
