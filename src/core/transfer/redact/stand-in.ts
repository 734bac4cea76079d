/** The stand-in for one value: same shape, same value same stand-in, and never an address that mail could go to. */
import { placeOf } from './alphabet.js';
import { draw, permute } from './permutation.js';

const EMAIL = /^([^@\s]+)@([^@\s]+)$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:([T ])(\d\d):(\d\d)(:\d\d)?(.*))?$/s;

/** Reserved for this (RFC 2606, section 2): nobody will ever get mail there. */
const NO_DOMAIN = '.test';

const DAY_MS = 86_400_000;
const FIRST_DAY = Date.UTC(1900, 0, 1) / DAY_MS;
/** Days from 1900 to 2099; the smallest product of two near factors that holds them is 271 * 270. */
const DAYS = 73_049;
const DAY_RADICES = [271, 270] as const;

/** Values kept, so that a person who comes up in every item is worked out once. */
const MOST_KEPT = 50_000;

export class StandIns {
  readonly #key: Uint8Array;
  readonly #kept = new Map<string, string>();

  /** @param key secret bytes; the same key gives the same stand-ins */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** For the text of a string, or of a number (sign, point and exponent stay). */
  of(text: string): string {
    let found = this.#kept.get(text);
    if (found === undefined) {
      found = this.#make(text);
      if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
      this.#kept.set(text, found);
    }
    return found;
  }

  #make(text: string): string {
    const email = EMAIL.exec(text);
    if (email?.[1] !== undefined && email[2] !== undefined) return this.#email(email[1], email[2]);
    if (UUID.test(text)) return this.#uuid(text);
    const date = DATE.exec(text);
    return (date === null ? undefined : this.#date(date)) ?? this.#characters(text, 'text');
  }

  #email(local: string, domain: string): string {
    const host = domain.toLowerCase();
    const length = Math.max(1, host.length - NO_DOMAIN.length);
    const letters = draw(this.#key, `domain/${host}`, length).map((number) =>
      String.fromCharCode(0x61 + (number % 26)),
    );
    return `${this.#characters(local, `email/${host}`)}@${letters.join('')}${NO_DOMAIN}`;
  }

  /** Version and variant stay, so that it is one still. */
  #uuid(text: string): string {
    const digits = Array.from(text.replaceAll('-', ''), (digit) => Number.parseInt(digit, 16));
    const moved = digits.filter((_digit, at) => at !== 12 && at !== 16);
    const stand = permute(
      moved,
      moved.map(() => 16),
      'uuid',
      this.#key,
    );
    const hex = [...stand.slice(0, 12), digits[12] ?? 0, ...stand.slice(12, 15), digits[16] ?? 0, ...stand.slice(15)]
      .map((digit) => digit.toString(16))
      .join('');
    const lower = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
    return text === text.toUpperCase() ? lower.toUpperCase() : lower;
  }

  /** Another day of 1900 to 2099 and, where there is one, another time of the day; the zone stays. */
  #date([, year, month, day, separator, hour, minute, second, rest = '']: RegExpExecArray): string | undefined {
    const at = Date.UTC(Number(year), Number(month) - 1, Number(day));
    const index = at / DAY_MS - FIRST_DAY;
    const isReal = new Date(at).toISOString().startsWith(`${year ?? ''}-${month ?? ''}-${day ?? ''}`);
    if (!isReal || index < 0 || index >= DAYS) return undefined;
    const date = new Date((FIRST_DAY + this.#dayFor(index)) * DAY_MS).toISOString().slice(0, 10);
    if (separator === undefined) return date;
    const time = [Number(hour), Number(minute), Number(second?.slice(1) ?? '0')];
    if ((time[0] ?? 0) > 23 || (time[1] ?? 0) > 59 || (time[2] ?? 0) > 59) return undefined;
    const moved = permute(time, [24, 60, 60], 'time', this.#key).map((part) => String(part).padStart(2, '0'));
    return `${date}${separator}${moved.slice(0, second === undefined ? 2 : 3).join(':')}${rest}`;
  }

  /** Walks on until the answer is a day of the range: still one to one. */
  #dayFor(index: number): number {
    let day = index;
    do {
      const [high = 0, low = 0] = permute(
        [Math.floor(day / DAY_RADICES[1]), day % DAY_RADICES[1]],
        DAY_RADICES,
        'day',
        this.#key,
      );
      day = high * DAY_RADICES[1] + low;
    } while (day >= DAYS);
    return day;
  }

  /** Letters and digits, one for one; everything between them stays where it is. */
  #characters(text: string, tweak: string): string {
    const characters = Array.from(text.normalize('NFC'));
    const places = characters.map(placeOf);
    const found = places.filter((place) => place !== undefined);
    // A number must not begin with a zero it did not have, nor lose the one it had.
    const leads = found.map((place, at) => at === 0 && place.row.length === 10 && place.row[0] === '0');
    const values = found.map((place, at) => (leads[at] === true && place.index > 0 ? place.index - 1 : place.index));
    const radices = found.map((place, at) => (leads[at] === true ? (place.index === 0 ? 1 : 9) : place.row.length));
    const moved = permute(values, radices, tweak, this.#key);
    let next = 0;
    return characters
      .map((character, at) => {
        const place = places[at];
        if (place === undefined) return character;
        const index = next++;
        const value = (moved[index] ?? 0) + (leads[index] === true && place.index > 0 ? 1 : 0);
        const letter = place.row[value] ?? character;
        return place.upper ? letter.toUpperCase() : letter;
      })
      .join('');
  }
}
