/** The answer of `edit`: what changed, warnings, and what happens next. */
import type { EditResult, Next } from '../../core/index.js';
import type { JsonObject } from '../../render/json.js';
import { oneLine } from '../../render/printable.js';
import type { TimeView } from '../../core/policy/time-words.js';
import { nextLine } from './retry.js';

/** Warns of values that are of another kind than before. */
export function kindLines(kinds: EditResult['kinds']): string[] {
  return kinds.map(({ pointer, from, to }) =>
    oneLine(
      `mind: ${pointer} was a ${from} and is a ${to} now${to === 'number' ? '; put "double quotes" around it to make it a string' : ''}`,
    ),
  );
}

/** @param result undefined = the edit was abandoned */
export function editAnswer(
  id: number,
  result: EditResult | undefined,
  next: Next | undefined,
  view: TimeView,
): { document: JsonObject; lines: string[]; talk: string[] } {
  if (result === undefined) {
    return { document: { id, edited: false, fields: [] }, lines: [`item ${id} is as it was`], talk: [] };
  }
  const { item, fields, unknown, kinds } = result;
  return {
    document: {
      id,
      edited: true,
      fields: [...fields],
      revision: item.revision,
      idempotencyKey: item.idempotencyKey,
      state: item.state,
      lastOutcomeUnknown: unknown,
      next: next?.kind ?? null,
    },
    lines: [
      oneLine(`item ${id} is edited (${fields.join(', ')}); it has a new idempotency key`),
      item.state === 'review'
        ? `it is still in review; to send it: syncq retry ${id}`
        : next === undefined
          ? ''
          : nextLine(next, view),
    ].filter((line) => line !== ''),
    talk: [
      ...kindLines(kinds),
      ...(unknown
        ? ['mind: the server may have the old version already; under the new key it takes this for another write']
        : []),
    ],
  };
}
