/** Parses points in time as people write them (TIME in the contract). Local time is that of the process. */
import { QueueError } from '../nouns/errors.js';
import { durationMs, parseDuration } from '../check/duration.js';
import { quoted } from '../check/text.js';

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?([Zz]|[+-]\d\d(?::?\d\d)?)?)?$/;
const CLOCK = /^(\d\d?):(\d\d)$/;
const HINT =
  'a time is 2026-03-05, 2026-03-05T14:30 (local time), 2026-03-05T14:30:00Z, ' +
  '14:30 (today), now, today, yesterday or a weekday (the latest one)';

/**
 * Epoch milliseconds of a time as written: ISO 8601 (without offset local time; a bare date is its local midnight),
 * `now`, `today`, `yesterday`, a weekday (`mon`, `monday`: midnight of the latest one, today included), `HH:MM` (today).
 * Words may be in any case. A date that does not exist (30 February, an hour skipped by a clock change) is refused.
 *
 * @param now epoch ms that the words are relative to
 * @throws {QueueError} code 'usage'
 */
export function parseTime(text: string, now: number): number {
  return parseIsoTime(text) ?? relativeTime(text.toLowerCase(), now) ?? refuse(text, 'it has none of the known forms');
}

/** Like `parseTime`; a duration means that long ago (`--since`, `--until`). */
export function parseSince(text: string, now: number): number {
  return durationMs(text) === undefined ? parseTime(text, now) : now - parseDuration(text);
}

/**
 * Like `parseTime`, for a time to come (`--at`). Accepts `now`, and a full date in the past (due at once), so that the same
 * command means the same item when it is run again later. Refuses any other word or `HH:MM` in the past: it may mean
 * tomorrow or at once.
 */
export function parseAt(text: string, now: number): number {
  const exact = parseIsoTime(text);
  if (exact !== undefined) return exact;
  const at = parseTime(text, now);
  if (at >= now) return at;
  throw new QueueError('usage', `${quoted(text)} is already past`, {
    hint: `write the date as well, such as ${localDate(now, 1)}T08:00, or leave the time out to send at once`,
  });
}

/** Epoch ms of an ISO 8601 time (local time without offset); undefined when `text` is something else. */
export function parseIsoTime(text: string): number | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part || 0));
  const ms = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  if (year < 1970) refuse(text, 'the year is before 1970');
  // Date.UTC carries 30 February over into March: the month then differs.
  const utc = new Date(Date.UTC(year, month - 1, day, hour, minute, second, ms));
  if (utc.getUTCMonth() !== month - 1) refuse(text, 'this date does not exist');
  if (hour > 23 || minute > 59 || second > 59) refuse(text, 'this time of day does not exist');
  const offset = match[8];
  if (offset !== undefined)
    return utc.getTime() - (offsetMs(offset) ?? refuse(text, 'this offset from UTC does not exist'));
  const local = new Date(year, month - 1, day, hour, minute, second, ms);
  // A bare date is the start of its day, also where a clock change skips midnight.
  if (match[4] !== undefined && (local.getHours() !== hour || local.getMinutes() !== minute)) {
    refuse(text, 'this local time is skipped by a clock change');
  }
  return local.getTime();
}

function offsetMs(offset: string): number | undefined {
  if (offset === 'Z' || offset === 'z') return 0;
  const digits = offset.replace(':', '').slice(1).padEnd(4, '0');
  const hours = Number(digits.slice(0, 2));
  const minutes = Number(digits.slice(2));
  if (hours > 23 || minutes > 59) return undefined;
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

function relativeTime(word: string, now: number): number | undefined {
  if (word === 'now') return now;
  if (word === 'today') return midnight(now, 0);
  if (word === 'yesterday') return midnight(now, -1);
  const weekday = WEEKDAYS.findIndex((name) => word === name || word === name.slice(0, 3));
  if (weekday >= 0) return midnight(now, -((new Date(now).getDay() - weekday + 7) % 7));
  const clock = CLOCK.exec(word);
  if (clock === null) return undefined;
  return parseIsoTime(`${localDate(now, 0)}T${(clock[1] ?? '').padStart(2, '0')}:${clock[2] ?? ''}`);
}

/** Local midnight `days` after the day of `now`. */
function midnight(now: number, days: number): number {
  const day = new Date(now);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + days).getTime();
}

function localDate(now: number, days: number): string {
  const day = new Date(midnight(now, days));
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${String(day.getFullYear())}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}

function refuse(text: string, reason: string): never {
  throw new QueueError('usage', `${quoted(text)} is not a time: ${reason}`, { hint: HINT });
}
