/** Groups error messages by cause, so that a hundred refusals become one line with a count. */
import { Buffer } from 'node:buffer';

/** Field names in quotes stay: `"phone" is required` and `"email" is required` are two causes (Joi, ajv and others). */
const QUOTED_FIELD =
  /(?:^|[:;,.] )["'][A-Za-z_][\w.[\]-]{0,60}["'](?= (?:is required|is not allowed|must|should|length|contains|cannot|can't))|\b(?:property|properties|field|parameter|param|attribute|column|key|header) ["'`][A-Za-z_][\w.[\]-]{0,60}["'`]/g;
const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi;
const EMAIL = /[^\s@"'<>(),;:]{1,64}@[^\s@"'<>(),;:]{1,255}/g;
const URL_OR_PATH = /\bhttps?:\/\/[^\s"'<>]+|(?<=^|[\s("'])\/[\w.~%+-]+(?:\/[\w.~%+-]+)+/g;
const QUOTED = /"[^"]*"|`[^`]*`|“[^”]*”|„[^“”]*[“”]|«[^»]*»|‘[^’]*’|(?<![\p{L}\p{N}])'[^']*'(?![\p{L}\p{N}])/gu;
/** Times, versions, amounts, and the digits inside ids such as ACT-1041. */
const NUMBER = /[-+]?\d+(?:[.,:T/-]\d+)*Z?/g;
/** What a reader sees where a value was; several in a row are one. */
const BLANK = '…';
const BLANKS = /…(?:[\s,;:.]*…)+/g;
/** Hex of 8 digits or more with at least one decimal digit among them, so that no word is taken for one. */
const HEX = /\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b/gi;

/** Longest message that is examined; bounds the cost of a crafted one. */
const LONGEST = 1000;

/**
 * The message without its variable parts: ids, numbers, quoted values, addresses, and values from the payload. Messages
 * with the same key have the same cause. The key is readable: it stands for a group whose members got different
 * messages.
 *
 * @param names payload values that a server may repeat without quotation marks, see `namesIn`
 */
export function causeKey(message: string, names: readonly string[] = []): string {
  const text = withoutNames(message.slice(0, LONGEST), names);
  let key = '';
  let at = 0;
  for (const field of text.matchAll(QUOTED_FIELD)) {
    key += generalised(text.slice(at, field.index)) + field[0];
    at = field.index + field[0].length;
  }
  return (key + generalised(text.slice(at))).replace(BLANKS, BLANK).trim();
}

function generalised(text: string): string {
  return text
    .replace(UUID, BLANK)
    .replace(EMAIL, BLANK)
    .replace(URL_OR_PATH, BLANK)
    .replace(QUOTED, (quoted) => `${quoted.charAt(0)}${BLANK}${quoted.slice(-1)}`)
    .replace(HEX, BLANK)
    .replace(NUMBER, BLANK);
}

/** Skip the first word: the start of a sentence is capitalised without being a name. */
function withoutNames(text: string, names: readonly string[]): string {
  return names.reduce((rest, name) => {
    let found = rest;
    for (let at = found.indexOf(name, 1); at >= 0; at = found.indexOf(name, at + 1)) {
      if (isPartOfWord(found, at, name.length)) continue;
      found = `${found.slice(0, at)}${BLANK}${found.slice(at + name.length)}`;
    }
    return found;
  }, text);
}

function isPartOfWord(text: string, at: number, length: number): boolean {
  return WORD_CHARACTER.test(text.slice(at - 1, at)) || WORD_CHARACTER.test(text.slice(at + length, at + length + 1));
}

const WORD_CHARACTER = /[\p{L}\p{N}]/u;

/** Larger payloads are not searched: what a failure costs stays small. */
const LARGEST_PAYLOAD = 64 * 1024;
const MOST_NAMES = 50;
const [SHORTEST_NAME, LONGEST_NAME] = [3, 80];

/**
 * Strings of a JSON payload that look like names: capitalised, or several words. Words such as `phone` or `draft` do
 * not count, because servers use them in sentences. Longest first.
 */
export function namesIn(payload: Uint8Array | undefined): string[] {
  if (payload === undefined || payload.length > LARGEST_PAYLOAD) return [];
  const found = new Set<string>();
  try {
    JSON.parse(Buffer.from(payload).toString('utf8'), (_key, value: unknown) => {
      if (typeof value === 'string' && found.size < MOST_NAMES && isName(value)) found.add(value.trim());
      return value;
    });
  } catch {
    return [];
  }
  return [...found].sort((a, b) => b.length - a.length);
}

function isName(value: string): boolean {
  const text = value.trim();
  if (text.length < SHORTEST_NAME || text.length > LONGEST_NAME) return false;
  return /^\p{Lu}/u.test(text) || /\s/.test(text);
}
