/** Finds the sensitive values of a payload wherever else they are quoted: a server's sentence, an answer, a difference. */
import { walkJson } from './json-tokens.js';
import { isSensitive, MASK, type SensitivePatterns } from './sensitive.js';

/** Shorter ones are words of every sentence: hiding them would tell which letters they are, and little else. */
const SHORTEST = 3;
/** Longer ones are quoted by nobody whole; their beginning is looked for instead, which a cut quotation still has. */
const LONGEST = 200;
/** Different values of one payload; what lies beyond is hidden where it stands, not where it is quoted. */
const MOST_VALUES = 500;
const CUT = '…';
/** From so many digits on, blanks and dashes between them are a matter of spelling (`479 90 001`, `47990001`). */
const SPELLED_DIGITS = 6;

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
  const longestFirst = [...values].sort((a, b) => b.length - a.length);
  const spelled = longestFirst.flatMap(spellings).map((spelling) => ({ spelling, squeezed: squeezed(spelling) }));
  return (text) => {
    // Few of the values are quoted; looking for the others by pattern would cost the most.
    const all = squeezed(text);
    const there = spelled.filter((one) => all.includes(one.squeezed)).map(({ spelling }) => patternOf(spelling));
    const hidden = there.length === 0 ? text : text.replace(new RegExp(there.join('|'), 'giu'), MASK);
    return withoutBeginning(hidden, longestFirst);
  };
}

/** What is left of a text when spelling does not matter. */
function squeezed(text: string): string {
  return text.toLowerCase().replace(SEPARATORS, '');
}

/** What was cut to fit may end within a value. */
function withoutBeginning(text: string, values: readonly string[]): string {
  if (!text.endsWith(CUT)) return text;
  const kept = text.slice(0, -CUT.length);
  for (const value of values) {
    for (let length = Math.min(value.length - 1, kept.length); length >= SHORTEST; length -= 1) {
      if (kept.endsWith(value.slice(0, length))) return kept.slice(0, -length) + MASK + CUT;
    }
  }
  return text;
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

/** A value as it stands, and as JSON or a URL would spell it. */
function spellings(value: string): string[] {
  const escaped = JSON.stringify(value).slice(1, -1);
  const inUrl = encodeURIComponent(value.replace(/\p{Cs}/gu, ''));
  return [...new Set([value, escaped, inUrl])];
}

const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;

function patternOf(text: string): string {
  const digits = text.replace(SEPARATORS, '');
  const isSpelledNumber = digits.length >= SPELLED_DIGITS && /^\d+$/.test(digits);
  const body = isSpelledNumber
    ? Array.from(digits).join('[\\s().\\/\\-]{0,2}')
    : text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&').replace(/\s+/g, '\\s+');
  const first = isSpelledNumber ? '0' : (text.at(0) ?? '');
  const last = isSpelledNumber ? '0' : (text.at(-1) ?? '');
  const before = LETTER_OR_DIGIT.test(first) ? '(?<![\\p{L}\\p{N}])' : '';
  // Behind a value that was shortened, the rest of it follows.
  const after = LETTER_OR_DIGIT.test(last) && text.length < LONGEST ? '(?![\\p{L}\\p{N}])' : '';
  return `${before}${body}${after}`;
}
