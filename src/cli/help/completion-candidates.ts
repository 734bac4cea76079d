/** Completion candidates from the queue: a few reads, and no output where something is wrong. */
import type { ItemSummary, Queue } from '../../core/index.js';
import { why } from '../../core/policy/why.js';
import { cut, oneLine } from '../../render/printable.js';
import type { Candidate, Lookup, Unknowns } from './complete-words.js';
import { FILES } from './complete-words.js';

/** What a person can look through. */
const MOST = 100;
const LONGEST = 70;
/** Most items whose words are offered, newest first. */
const RECENT = 200;

/** @param open called when first needed */
export function queueLookup(open: () => Promise<Queue>, now: number): Lookup {
  return async (kind) => {
    if (kind === 'file') return [FILES];
    try {
      return await candidates(await open(), kind, now);
    } catch {
      return [];
    }
  };
}

async function candidates(queue: Queue, kind: Exclude<Unknowns, 'file'>, now: number): Promise<Candidate[]> {
  switch (kind) {
    case 'id':
      return (await queue.attention(MOST)).items.map((item) => idOf(item, now));
    case 'review-id': {
      const { items } = await queue.attention(MOST);
      return items.filter(({ state }) => state === 'review' || state === 'pending').map((item) => idOf(item, now));
    }
    case 'target':
      return (await queue.status()).targets.map(({ name, state }) => ({ value: name, description: state }));
    case 'entity':
      return words(await recent(queue), ({ entity }) => (entity === undefined ? [] : [`${entity.type}/${entity.id}`]));
    case 'tag':
      return words(await recent(queue), ({ tags }) => tags);
    case 'operation':
      return words(await recent(queue), ({ operation }) => [operation]);
  }
}

function idOf(item: ItemSummary, now: number): Candidate {
  return { value: String(item.id), description: cut(oneLine(why(item, { now, terminal: true })), LONGEST) };
}

async function recent(queue: Queue): Promise<ItemSummary[]> {
  const [first, { items }] = [
    await queue.attention(MOST),
    await queue.list({ states: ['review', 'pending', 'sending', 'completed', 'discarded'] }, { limit: RECENT }),
  ];
  return [...first.items, ...items];
}

/** Each word once, without those that a shell could not take. */
function words(items: readonly ItemSummary[], of: (item: ItemSummary) => readonly string[]): Candidate[] {
  const found = [...new Set(items.flatMap(of))].filter((word) => oneLine(word) === word && word.trim() !== '');
  return found.map((value) => ({ value, description: '' }));
}
