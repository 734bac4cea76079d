/** Formats times and spans for people. Pure: the caller passes the time and "now"; the zone is the machine's. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;

const two = (value: number): string => String(value).padStart(2, '0');

/** Local calendar day, e.g. `2026-11-23`. */
function dayOf(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** When, and for whom, a sentence is written. */
export interface TimeView {
  /** Epoch ms. */
  readonly now: number;
  /** A person at this machine's terminal reads it. Else somebody may read it later, or in another time zone. */
  readonly terminal: boolean;
}

/**
 * A moment in a sentence. On a terminal local time: `09:12` on the same day, `Fri 18:02` within six days either way, else
 * `2026-11-02 18:02`. Elsewhere ISO 8601 with the offset: `2026-11-02T18:02:05+01:00`.
 */
export function moment(at: number, { now, terminal }: TimeView): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return 'an unknown time';
  if (!terminal) return withOffset(date);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
  const day = dayOf(date);
  if (day === dayOf(new Date(now))) return clock;
  return Math.abs(at - now) < 6 * DAY ? `${WEEKDAYS[date.getDay()] ?? day} ${clock}` : `${day} ${clock}`;
}

function withOffset(date: Date): string {
  const offset = -date.getTimezoneOffset();
  const zone = `${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  const local = new Date(date.getTime() + offset * MINUTE).toISOString().slice(0, 19);
  return `${local}${offset < 0 ? '-' : '+'}${zone}`;
}

/** A span in its two largest units: `850 ms`, `5 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`. Negative counts as 0. */
export function span(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10 * SECOND) return `${Number((Math.floor(ms / 100) / 10).toFixed(1))} s`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  const [unit, name, next, nextName] =
    ms < HOUR
      ? ([MINUTE, 'min', SECOND, 's'] as const)
      : ms < DAY
        ? ([HOUR, 'h', MINUTE, 'min'] as const)
        : ([DAY, 'd', HOUR, 'h'] as const);
  const rest = Math.floor((ms % unit) / next);
  return `${Math.floor(ms / unit)} ${name}${rest === 0 ? '' : ` ${rest} ${nextName}`}`;
}

/** Distance from now in the largest unit: `just now`, `3 min ago`, `in 5 s`. */
export function relative(at: number, now: number): string {
  const distance = Math.abs(at - now);
  if (distance < SECOND) return 'just now';
  const words =
    distance < MINUTE
      ? `${Math.floor(distance / SECOND)} s`
      : distance < HOUR
        ? `${Math.floor(distance / MINUTE)} min`
        : distance < DAY
          ? `${Math.floor(distance / HOUR)} h`
          : `${Math.floor(distance / DAY)} d`;
  return at < now ? `${words} ago` : `in ${words}`;
}

/** Date and time for tables on a terminal: `2026-11-23 09:12:05`, local. */
export function absolute(at: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return 'an unknown time';
  return `${dayOf(date)} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
