/** Finds the sensitive values of a payload wherever else they are quoted: a server's sentence, an answer, a difference. */
import { withoutBegunEscape } from './escapes.js';
import { readingsOf, rewritten, type Edit } from './layers.js';
import { walkJson } from '../json/json-tokens.js';
import type { SensitivePatterns } from '../nouns/sensitive.js';
import { isSensitive, MASK } from './sensitive.js';

/** Shorter ones are words of every sentence: hiding them would tell which letters they are, and little else. */
const SHORTEST = 3;
/** A value that is long enough because it holds escapes itself (`ø%aa`) may be quoted read, and shorter. */
const SHORTEST_READING = 2;
/** Longer ones are quoted by nobody whole; their beginning is looked for instead, which a cut quotation still has. */
const LONGEST = 200;
/** Different values of one payload; what lies beyond is hidden where it stands, not where it is quoted. */
const MOST_VALUES = 500;
const CUT = '…';
/** From so many digits on, blanks and dashes between them are a matter of spelling (`479 90 001`, `47990001`). */
const SPELLED_DIGITS = 6;

/** Blanks, which a form writes as `+`. */
const GAP = /[\s+]+/;

const SEPARATORS = /[\s().+/-]/g;

/** Puts `***` for every value it knows. The same text back = nothing was hidden. */
export type Hide = (text: string) => string;

const NOTHING_TO_HIDE: Hide = (text) => text;

/**
 * What hides the sensitive values of these payloads in a text, however they are cased and spaced. Without patterns, or where
 * everything is hidden because no config says what is sensitive, no value can be told from a harmless word: nothing is.
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
  // Longest first: of two values that begin alike the whole of the longer one is hidden.
  const sought = [...values].flatMap(readingsOfValue).sort((a, b) => b.text.length - a.text.length);
  const find = (reading: string): Edit[] => [...quotedIn(reading, sought), ...begunIn(reading, sought)];
  return (text) => rewritten(text, find, { as: 'text', respell: false });
}

/** A value to look for. */
interface Sought {
  text: string;
  squeezed: string;
  /** The value goes on behind it. */
  isCut: boolean;
}

/** A value that holds escapes itself (a path, say) is quoted as it stands or read. */
function readingsOfValue(value: string): Sought[] {
  return readingsOf(value)
    .map((reading) => reading.trim())
    .filter((text) => text.length >= SHORTEST_READING)
    .map((text) => ({ text, squeezed: squeezed(text), isCut: value.length >= LONGEST }));
}

function quotedIn(text: string, sought: readonly Sought[]): Edit[] {
  // Few of the values are quoted; looking for the others by pattern would cost the most.
  const all = squeezed(text);
  const there = sought.filter((one) => all.includes(one.squeezed));
  if (there.length === 0) return [];
  const found = text.matchAll(anyOf(there));
  return Array.from(found, ({ 0: { length }, index }) => ({ start: index, end: index + length, text: MASK }));
}

/** What is left of a text when spelling does not matter. */
function squeezed(text: string): string {
  return text.toLowerCase().replace(SEPARATORS, '');
}

/** What was cut to fit may end within a value, and there within an escape. */
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

/** As a form reads them. */
function blanksForPluses(text: string): string {
  return text.replaceAll('+', ' ');
}

function sensitiveValues(payload: Uint8Array, patterns: SensitivePatterns): string[] {
  const found = new Set<string>();
  let hiddenFrom = -1;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
    walkJson(
      text,
      (value) => {
        const { kind, start, end } = value;
        if (kind === 'object' || kind === 'array') {
          if (end < 0 && hiddenFrom < 0 && isSensitive(value, patterns)) hiddenFrom = start;
          else if (end >= 0 && start === hiddenFrom) hiddenFrom = -1;
        } else if (kind !== 'word' && found.size < MOST_VALUES && (hiddenFrom >= 0 || isSensitive(value, patterns))) {
          const spelled = text.slice(start, end);
          found.add((kind === 'string' ? (JSON.parse(spelled) as string) : spelled).trim().slice(0, LONGEST));
        }
      },
      false,
    );
  } catch {
    // No JSON: it has no keys that tell values apart, and is hidden whole where it stands.
  }
  return [...found].filter((value) => value.length >= SHORTEST);
}

const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;

/** Whether a value may begin here is asked once for all of them, not for each: it is what most places of a text fail at. */
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
  // Behind a value that was shortened, the rest of it follows.
  const endsWord = (isNumber || LETTER_OR_DIGIT.test(text.at(-1) ?? '')) && !isCut;
  return endsWord ? `${body}(?![\\p{L}\\p{N}])` : body;
}

/**
 * However many blanks there are, but not at the front: there a run of them would be tried from each, in quadratic time. The
 * first and the last character are no blanks, for values are trimmed.
 */
function spacedPattern(text: string): string {
  const escape = (part: string): string => part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  const { front = '', inner = '', end = '' } = /^(?<front>[\s+]*)(?<inner>.*?)(?<end>\+*)$/s.exec(text)?.groups ?? {};
  const begin = Array.from(front, (sign, at) => (at === 0 ? escape(sign) : '[\\s+]')).join('');
  return begin + inner.split(GAP).map(escape).join('[\\s+]+') + escape(end);
}
