/** Hides sensitive values of payloads where other texts quote them: a server's message, a response, a difference. */
import { withoutBegunEscape } from './escapes.js';
import { readingsOf, rewritten, type Edit } from './layers.js';
import { readString, spelling } from '../json/json-scan.js';
import type { SensitivePatterns } from '../nouns/sensitive.js';
import { MASK, walkSensitive } from './sensitive.js';

/** Shortest value that is hidden. Shorter ones occur in every sentence: hiding them would only tell which letters they are. */
const SHORTEST = 3;
/** Shortest decoded form of a value: one with escapes (`ø%aa`) may be quoted decoded, and is shorter then. */
const SHORTEST_READING = 2;
/** Longest part of a value that is searched for. Nobody quotes longer ones whole, and a cut quotation still has their beginning. */
const LONGEST = 200;
/** Most different values of one payload. Further values are hidden in the payload, but not where they are quoted. */
const MOST_VALUES = 500;
const CUT = '…';
/** From this many digits on, blanks and dashes between them are ignored (`479 90 001`, `47990001`). */
const SPELLED_DIGITS = 6;

/** Blanks; a form writes them as `+`. */
const GAP = /[\s+]+/;

const SEPARATORS = /[\s().+/-]/g;

/** Replaces every value it knows by `***`. Returns the same text when it finds none. */
export type Hide = (text: string) => string;

const NOTHING_TO_HIDE: Hide = (text) => text;

/**
 * Returns a function that hides the sensitive values of these payloads in a text, however they are cased and spaced. It hides
 * nothing without patterns, or when everything counts as sensitive (no config): then no value differs from a harmless word.
 */
export function hideValuesOf(
  payloads: readonly (Uint8Array | undefined)[],
  patterns: SensitivePatterns | undefined,
): Hide {
  if (patterns === undefined || patterns.everything) return NOTHING_TO_HIDE;
  if (patterns.names.size === 0 && patterns.pointers.length === 0) return NOTHING_TO_HIDE;
  const values = new Set(
    payloads.flatMap((payload) => (payload === undefined ? [] : sensitiveValues(payload, patterns))),
  );
  if (values.size === 0) return NOTHING_TO_HIDE;
  // Longest first: of two values with the same beginning, the longer one is hidden whole.
  const sought = [...values].flatMap(readingsOfValue).sort((a, b) => b.text.length - a.text.length);
  const find = (reading: string): Edit[] => [...quotedIn(reading, sought), ...begunIn(reading, sought)];
  return (text) => rewritten(text, find, { as: 'text', respell: false });
}

/** A value to search for. */
interface Sought {
  text: string;
  squeezed: string;
  /** True when `text` is only the beginning of the value. */
  isCut: boolean;
}

/** A value that holds escapes (a path, say) may be quoted as it is or decoded. */
function readingsOfValue(value: string): Sought[] {
  return readingsOf(value)
    .map((reading) => reading.trim())
    .filter((text) => text.length >= SHORTEST_READING)
    .map((text) => ({ text, squeezed: squeezed(text), isCut: value.length >= LONGEST }));
}

function quotedIn(text: string, sought: readonly Sought[]): Edit[] {
  // Most values are not quoted: skip them before the costly search by pattern.
  const all = squeezed(text);
  const there = sought.filter((one) => all.includes(one.squeezed));
  if (there.length === 0) return [];
  const found = text.matchAll(anyOf(there));
  return Array.from(found, ({ 0: { length }, index }) => ({ start: index, end: index + length, text: MASK }));
}

/** A text in lower case without separators. */
function squeezed(text: string): string {
  return text.toLowerCase().replace(SEPARATORS, '');
}

/** Finds the beginning of a value at the end of a text that was cut, perhaps inside an escape. */
function begunIn(text: string, sought: readonly Sought[]): Edit[] {
  if (!text.endsWith(CUT)) return [];
  const end = text.length - CUT.length;
  const kept = text.slice(0, end);
  for (const rest of new Set([kept, withoutBegunEscape(kept)])) {
    const last = blanksForPluses(rest.slice(-LONGEST));
    for (const one of sought) {
      const value = blanksForPluses(one.text);
      for (let length = Math.min(value.length - 1, last.length); length >= SHORTEST; length -= 1) {
        if (last.endsWith(value.slice(0, length))) return [{ start: rest.length - length, end, text: MASK }];
      }
    }
  }
  return [];
}

/** Decodes the pluses of a form. */
function blanksForPluses(text: string): string {
  return text.replaceAll('+', ' ');
}

function sensitiveValues(payload: Uint8Array, patterns: SensitivePatterns): string[] {
  const found = new Set<string>();
  try {
    walkSensitive(payload, patterns, ({ kind, start, end }, sensitive) => {
      if (sensitive === undefined || found.size >= MOST_VALUES || (kind !== 'string' && kind !== 'number')) return;
      const value = kind === 'string' ? readString(payload, start, end) : spelling(payload, start, end);
      found.add(value.trim().slice(0, LONGEST));
    });
  } catch {
    // Not JSON: it has no keys that tell values apart, and is hidden whole where it stands.
  }
  return [...found].filter((value) => value.length >= SHORTEST);
}

const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;

/** One pattern for all values. It checks once for all of them whether a word begins here, where most places fail. */
function anyOf(sought: readonly Sought[]): RegExp {
  const words = sought.filter(beginsWord).map(patternOf).join('|');
  const others = sought.filter((one) => !beginsWord(one)).map(patternOf);
  const all = words === '' ? others : [`(?<![\\p{L}\\p{N}])(?:${words})`, ...others];
  return new RegExp(all.join('|'), 'giu');
}

function beginsWord({ text }: Sought): boolean {
  return isSpelledNumber(text) || LETTER_OR_DIGIT.test(text.at(0) ?? '');
}

function isSpelledNumber(text: string): boolean {
  const digits = text.replace(SEPARATORS, '');
  return digits.length >= SPELLED_DIGITS && /^\d+$/.test(digits);
}

function patternOf({ text, isCut }: Sought): string {
  const isNumber = isSpelledNumber(text);
  const body = isNumber ? Array.from(text.replace(SEPARATORS, '')).join('[\\s().+\\/\\-]{0,2}') : spacedPattern(text);
  // A value that was shortened goes on after `text`.
  const endsWord = (isNumber || LETTER_OR_DIGIT.test(text.at(-1) ?? '')) && !isCut;
  return endsWord ? `${body}(?![\\p{L}\\p{N}])` : body;
}

/**
 * Matches any number of blanks between words, but not at the front: there each blank of a run would be tried, in quadratic
 * time. Values are trimmed, so the first and the last character are not blanks.
 */
function spacedPattern(text: string): string {
  const escape = (part: string): string => part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  const { front = '', inner = '', end = '' } = /^(?<front>[\s+]*)(?<inner>.*?)(?<end>\+*)$/s.exec(text)?.groups ?? {};
  const begin = Array.from(front, (sign, at) => (at === 0 ? escape(sign) : '[\\s+]')).join('');
  return begin + inner.split(GAP).map(escape).join('[\\s+]+') + escape(end);
}
