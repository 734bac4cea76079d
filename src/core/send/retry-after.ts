/** Reads the Retry-After header (RFC 9110, section 10.2.3) in both of its forms. */
import { RETRY_AFTER_CAP_MS } from '../policy/backoff.js';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** Sun, 06 Nov 1994 08:49:37 GMT */
const IMF_FIXDATE = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
/** Sunday, 06-Nov-94 08:49:37 GMT (obsolete, still to be understood) */
const RFC_850 = /^[A-Z][a-z]{5,8}, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
/** Sun Nov  6 08:49:37 1994 (obsolete, still to be understood) */
const ASCTIME = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/;

/**
 * How long the server asks us to wait, in ms, within [0, 24 h]. Undefined when the header is missing or malformed; a
 * date in the past is 0.
 *
 * @param now        epoch ms
 * @param serverDate the answer's Date header: when it can be read, a date is counted from it rather than from `now`, so
 *                   that a device with a wrong clock still waits as long as was meant
 */
export function retryAfterMs(value: string | undefined, now: number, serverDate?: string): number | undefined {
  const text = value?.trim();
  if (text === undefined || text === '') return undefined;
  // Whole seconds in the RFC; some servers send fractions.
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.min(Math.ceil(Number(text)) * 1000, RETRY_AFTER_CAP_MS);
  const at = httpDate(text, now);
  if (at === undefined) return undefined;
  const reference = (serverDate === undefined ? undefined : httpDate(serverDate.trim(), now)) ?? now;
  return Math.min(Math.max(at - reference, 0), RETRY_AFTER_CAP_MS);
}

/** Epoch ms of an HTTP-date (RFC 9110, section 5.6.7); undefined when it is none. */
export function httpDate(text: string, now: number): number | undefined {
  const imf = IMF_FIXDATE.exec(text);
  if (imf !== null) return utc(imf[3], imf[2], imf[1], imf[4], imf[5], imf[6]);
  const old = RFC_850.exec(text);
  if (old !== null) return utc(String(fullYear(Number(old[3]), now)), old[2], old[1], old[4], old[5], old[6]);
  const asc = ASCTIME.exec(text);
  if (asc !== null) return utc(asc[6], asc[1], asc[2], asc[3], asc[4], asc[5]);
  return undefined;
}

/** Two digits that would lie more than 50 years ahead mean the last year with those digits (RFC 9110, section 5.6.7). */
function fullYear(twoDigits: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}

function utc(...parts: (string | undefined)[]): number | undefined {
  const [year = '', monthName = '', day = '', hour = '', minute = '', second = ''] = parts;
  const month = MONTHS.indexOf(monthName);
  const at = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second));
  const date = new Date(at);
  // Date.UTC rolls 31 Feb over into March; a leap second (60) may roll.
  const isReal = month >= 0 && date.getUTCDate() === Number(day) && Number(hour) < 24 && Number(minute) < 60;
  return isReal || (month >= 0 && Number(second) === 60) ? at : undefined;
}
