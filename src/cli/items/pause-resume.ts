/** The scope of `pause` and `resume`, and their answer. */
import type { ChangeReport, Entity } from '../../core/index.js';
import { moment, type TimeView } from '../../core/policy/time-words.js';
import { isoTime } from '../../render/json.js';
import type { JsonObject } from '../../render/json.js';
import { oneLine } from '../../render/printable.js';
import { entityOf } from './filters.js';
import { refuseUsage } from '../program/usage.js';

export type PauseScope = { target: string } | { entity: Entity } | 'all';

/** @throws {QueueError} code 'usage' unless exactly one of the three is given */
export function pauseScope(target: string | undefined, entity: string | undefined, all: boolean): PauseScope {
  const given = [target !== undefined, entity !== undefined, all].filter(Boolean).length;
  if (given !== 1) {
    refuseUsage(
      given === 0 ? 'nothing says what' : 'more than one thing is named',
      'Give the name of a target, --entity TYPE/ID, or --all.',
    );
  }
  if (target !== undefined) return { target };
  return entity === undefined ? 'all' : { entity: entityOf(entity) };
}

export function pauseAnswer(
  done: 'paused' | 'resumed',
  { names, stillHeld }: Pick<ChangeReport, 'names' | 'stillHeld'>,
  until: number | undefined,
  view: TimeView,
): { document: JsonObject; lines: string[] } {
  const end = until === undefined ? '' : ` until ${moment(until, view)}`;
  return {
    document: {
      [done]: [...names],
      count: names.length,
      ...(done === 'paused' ? { until: isoTime(until) } : {}),
      ...(stillHeld.length === 0 ? {} : { stillHeld: stillHeld.map((held) => ({ ...held })) }),
    },
    lines: [
      ...(names.length + stillHeld.length === 0
        ? [done === 'resumed' ? 'nothing was paused or held' : 'nothing was paused']
        : []),
      ...names.map((name) => oneLine(`${name} is ${done}${end}`)),
      ...stillHeld.map(({ name, reason }) => oneLine(`${name} is still held: ${reason}`)),
    ],
  };
}
