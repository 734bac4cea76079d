/** Formats times: relative for a person at a terminal, ISO 8601 UTC in a pipe. */
import { absolute, moment, relative, span } from '../core/policy/time-words.js';
import { isoTime } from './json.js';
import type { Look } from './style.js';

export { absolute, moment, relative, span };

/** `3 min ago` on a terminal, `2026-11-23T08:12:05.123Z` in a pipe, `-` for none. */
export function timeCell(at: number | undefined, look: Pick<Look, 'terminal' | 'now'>): string {
  if (at === undefined) return '-';
  return look.terminal ? relative(at, look.now) : (isoTime(at) ?? '-');
}

/** `2026-11-23 09:12:05 (3 min ago)` on a terminal, ISO in a pipe. */
export function fullTime(at: number, look: Pick<Look, 'terminal' | 'now'>): string {
  return look.terminal ? `${absolute(at)} (${relative(at, look.now)})` : (isoTime(at) ?? '-');
}
