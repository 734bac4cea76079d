/** Finds, in whatever a server answered, the one sentence that tells a person what is wrong. */
import type { ResponseExcerpt } from '../item.js';
import { cleanLine } from './clean.js';

/** Longest sentence, in UTF-16 units. */
export const MESSAGE_LIMIT = 200;
/** How many field errors are told; the rest is counted. */
const FIELDS_TOLD = 3;
/** Answers nest their errors two or three deep; what is deeper is no message. */
const DEPTH = 5;

/** Keys that hold the sentence, best first: RFC 9457 `detail`, then what frameworks use, then mere titles. */
const SENTENCE_KEYS = [
  'detail',
  'error_description',
  'message',
  'Message',
  'errorMessage',
  'error_message',
  'msg',
  'description',
  'reason',
  'title',
  'error',
  'fault',
] as const;
/** Keys that hold one error per field or per problem. */
const LIST_KEYS = [
  'errors',
  'violations',
  'invalid-params',
  'invalidParams',
  'fieldErrors',
  'issues',
  'details',
] as const;
/** Keys that name the field an error is about. */
const FIELD_KEYS = [
  'pointer',
  'field',
  'name',
  'param',
  'property',
  'propertyPath',
  'path',
  'loc',
  'attribute',
] as const;

type Json = unknown;
type JsonObject = Readonly<Record<string, Json>>;

/**
 * The sentence, in one clean line of at most `MESSAGE_LIMIT`; undefined when the answer holds none (empty, compressed,
 * an object without any known shape). Linear in the length of the body.
 */
export function serverMessage(response: Pick<ResponseExcerpt, 'headers' | 'body'>): string | undefined {
  const encoding = response.headers['content-encoding'];
  if (response.body.length === 0 || (encoding !== undefined && encoding !== 'identity')) return undefined;
  const contentType = response.headers['content-type'] ?? '';
  const text = decode(response.body, contentType).trim();
  const sentence = sentenceOf(text, contentType);
  if (sentence === undefined) return undefined;
  const line = cleanLine(sentence, MESSAGE_LIMIT);
  // Bytes in another charset than was said leave replacement characters only.
  return /[\p{L}\p{N}]/u.test(line) ? line : undefined;
}

function sentenceOf(text: string, contentType: string): string | undefined {
  const looksLikeJson = /^[[{"]/.test(text);
  if (looksLikeJson || /json/i.test(contentType)) {
    const parsed = parse(text);
    if (parsed !== undefined) return fromJson(parsed.value, 0);
    if (looksLikeJson) return fromCutJson(text);
  }
  if (text.startsWith('<') || /html|xml/i.test(contentType)) return fromMarkup(text);
  // Binary that calls itself nothing in particular is no sentence.
  if (/^(image|audio|video|font)\/|octet-stream|protobuf|zip/i.test(contentType)) return undefined;
  return text.split('\n').find((line) => line.trim() !== '');
}

function decode(body: Uint8Array, contentType: string): string {
  const charset = /charset\s*=\s*"?([\w.:-]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset).decode(body);
  } catch {
    return new TextDecoder().decode(body);
  }
}

function parse(text: string): { value: Json } | undefined {
  try {
    return { value: JSON.parse(text) as Json };
  } catch {
    return undefined;
  }
}

function fromJson(value: Json, depth: number): string | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value;
  if (depth > DEPTH) return undefined;
  if (Array.isArray(value)) return joined(value.map((entry: Json) => oneError(entry, depth + 1)));
  if (!isObject(value)) return undefined;
  return fromLists(value, depth) ?? fromSentences(value, depth) ?? fromFields(value, depth);
}

/** Errors per field say more than the sentence over them ("The given data was invalid."). */
function fromLists(object: JsonObject, depth: number): string | undefined {
  // FastAPI puts its list under `detail`.
  const lists: readonly Json[] = [
    Array.isArray(object['detail']) ? object['detail'] : undefined,
    ...LIST_KEYS.map((key) => object[key]),
  ];
  for (const list of lists) {
    const found = isObject(list)
      ? fromFields(list, depth + 1)
      : Array.isArray(list)
        ? fromJson(list, depth + 1)
        : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function fromSentences(object: JsonObject, depth: number): string | undefined {
  for (const key of SENTENCE_KEYS) {
    const value = object[key];
    const found = typeof value === 'string' || isObject(value) ? fromJson(value, depth + 1) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `{ "phone": ["must be digits"] }`: every value is a sentence or a list of such, else it is no map of fields. */
function fromFields(object: JsonObject, depth: number): string | undefined {
  const entries = Object.entries(object);
  const isMap = entries.every(([, value]) => isSentences(value));
  if (entries.length === 0) return undefined;
  // A record that was echoed back has numbers, flags and plain strings; a map of errors has lists.
  if (depth === 0 && !(isMap && entries.some(([, value]) => Array.isArray(value)))) return undefined;
  return joined(
    entries.map(([field, value]) => withField(field, isSentences(value) ? firstOf(value) : fromJson(value, depth + 1))),
  );
}

function isSentences(value: Json): value is string | readonly string[] {
  return (
    typeof value === 'string' ||
    (Array.isArray(value) && value.length > 0 && value.every((entry) => typeof entry === 'string'))
  );
}

function firstOf(value: string | readonly string[]): string | undefined {
  return typeof value === 'string' ? value : value[0];
}

/** One entry of a list of errors, with the field it names. */
function oneError(entry: Json, depth: number): string | undefined {
  if (!isObject(entry)) return fromJson(entry, depth);
  const sentence = fromSentences(entry, depth) ?? fromFields(entry, depth + 1);
  return withField(fieldOf(entry), sentence);
}

function fieldOf(entry: JsonObject): string | undefined {
  const source = entry['source'];
  for (const holder of isObject(source) ? [source, entry] : [entry]) {
    for (const key of FIELD_KEYS) {
      const value = holder[key];
      if (typeof value === 'string' && value !== '') return value;
      if (Array.isArray(value) && value.length > 0) return value.map(String).join('.');
    }
  }
  return undefined;
}

/** `phone: must be digits`; without the field where the sentence names it already. */
function withField(field: string | undefined, sentence: string | undefined): string | undefined {
  if (field === undefined || sentence === undefined) return sentence;
  const name = field
    .replace(/^(?:(?:body|query|path|header)\.|#?\/?(?:data\/)?(?:attributes\/)?)/, '')
    .replaceAll('/', '.');
  const isNoField = name === '' || /^(?:base|detail|non_field_errors|__all__|_?schema|\$)$/.test(name);
  const last = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  return isNoField || sentence.toLowerCase().includes(last) ? sentence : `${name}: ${sentence}`;
}

function joined(sentences: readonly (string | undefined)[]): string | undefined {
  const found = sentences.filter((sentence) => sentence !== undefined);
  if (found.length === 0) return undefined;
  const rest = found.length - FIELDS_TOLD;
  return found.slice(0, FIELDS_TOLD).join('; ') + (rest > 0 ? ` (and ${String(rest)} more)` : '');
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON that was cut (by our cap or by the peer): the first string behind a key that holds sentences. */
function fromCutJson(text: string): string | undefined {
  for (const key of SENTENCE_KEYS) {
    const at = text.indexOf(`"${key}"`);
    if (at < 0) continue;
    const found = /^\s*:\s*("(?:[^"\\]|\\.)*")/.exec(text.slice(at + key.length + 2));
    const value = found?.[1] === undefined ? undefined : parse(found[1])?.value;
    if (typeof value === 'string' && value.trim() !== '') return value;
  }
  return undefined;
}

/**
 * HTML and XML: what the page calls itself, else its first heading, else the first line that it quotes (Express calls
 * every page "Error" and says what happened in a `<pre>`); found without walking the page.
 */
function fromMarkup(text: string): string | undefined {
  const lower = text.toLowerCase();
  for (const tag of ['title', 'h1', 'h2', 'message', 'faultstring', 'detail', 'pre']) {
    const found = elementText(text, lower, tag);
    if (found !== undefined && !SAYS_NOTHING.test(cleanLine(found, MESSAGE_LIMIT))) return found;
  }
  return undefined;
}

const SAYS_NOTHING = /^(?:error)?[.!\s]*$/i;

function elementText(text: string, lower: string, tag: string): string | undefined {
  const open = lower.indexOf(`<${tag}`);
  const start = open < 0 ? -1 : lower.indexOf('>', open);
  if (start < 0 || !/[\s>/]/.test(lower.charAt(open + tag.length + 1))) return undefined;
  const end = lower.indexOf(`</${tag}`, start);
  if (end < 0) return undefined;
  const inner = text.slice(start + 1, Math.min(end, start + 4096));
  const told =
    tag === 'pre'
      ? inner
          .trim()
          .split(/\n|<br/i, 1)
          .join('')
      : inner;
  return unescapeMarkup(told.replace(/<[^<>]*>/g, ' '));
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  '#39': "'",
  '#x27': "'",
};

function unescapeMarkup(text: string): string {
  return text.replace(/&(#?\w{2,6});/g, (whole, name: string) => ENTITIES[name.toLowerCase()] ?? whole);
}
