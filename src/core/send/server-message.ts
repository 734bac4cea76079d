/** Finds the sentence in a server's answer that tells a person what is wrong. */
import type { ResponseExcerpt } from '../nouns/item.js';
import { cleanLine } from './clean-text.js';
import { fromMarkup } from './server-markup.js';
import { isInformative, informativeWords } from './informative-sentence.js';

/** Longest sentence, in UTF-16 units. */
export const MESSAGE_LIMIT = 200;
/** How many field errors are told; the rest is counted. */
const FIELDS_TOLD = 3;
/** Answers nest errors two or three levels deep; deeper text is not a message. */
const DEPTH = 6;
/** A title of fewer words ("Invalid phone") may stand over many causes. */
const TITLE_WORDS = 3;
const TELLING_TITLE_WORDS = 2;

/** Keys that hold the sentence, best first: RFC 9457 `detail`, then what frameworks use, then mere titles. */
const SENTENCE_KEYS = [
  'detail',
  'error_description',
  'defaultMessage',
  'message',
  'Message',
  'errorMessage',
  'error_message',
  'msg',
  'description',
  'reason',
  'title',
  'error',
  'Error',
  'fault',
  'messages',
  'details',
] as const;
const SENTENCES: ReadonlySet<string> = new Set(SENTENCE_KEYS);
/** Keys that hold one error per field or per problem. */
const LIST_KEYS = [
  'errors',
  'Errors',
  'violations',
  'fieldViolations',
  'invalid-params',
  'invalidParams',
  'fieldErrors',
  'validationErrors',
  'validation_errors',
  'ModelState',
  'modelState',
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
/** Envelopes that the error is packed into. */
const ENVELOPE_KEYS = ['response', 'result', 'data', 'body', '_embedded', 'exception', 'status', 'meta'] as const;
const CODE_KEYS = ['code', 'errorCode', 'error_code', 'errorKey', 'messageKey'] as const;
/** Other names, also in other languages: `statusMessage`, `feilmelding`, `Fehlertext`. */
const SOUNDS_LIKE_A_SENTENCE = /mess?age|melding|feil|fehler|error|erreur|fault|reason|problem|mensaje|hint/i;
/** Keys beside an entry's errors that describe no error. */
const BESIDE = /^(?:@.*|codes?|status|statuscode|type|timestamp|instance|trace_?id|request_?id|lang|locale)$/i;

type Json = unknown;
type JsonObject = Readonly<Record<string, Json>>;

/** What a server said, for a person and for counting. */
export interface ServerWords {
  /** The sentence, in one clean line of at most `MESSAGE_LIMIT`. */
  message: string;
  /** The title that RFC 9457 wants to be the same for every occurrence; only where it says what is wrong. */
  title: string | undefined;
}

/** The sentence alone. */
export function serverMessage(response: Pick<ResponseExcerpt, 'headers' | 'body'>): string | undefined {
  return serverWords(response)?.message;
}

/**
 * Undefined when the answer holds no sentence (empty, compressed, an object without any known shape). Linear in the length
 * of the body.
 */
export function serverWords(response: Pick<ResponseExcerpt, 'headers' | 'body'>): ServerWords | undefined {
  const encoding = response.headers['content-encoding'];
  if (response.body.length === 0 || (encoding !== undefined && encoding !== 'identity')) return undefined;
  const contentType = response.headers['content-type'] ?? '';
  const found = wordsOf(decode(response.body, contentType).trim(), contentType);
  if (found === undefined) return undefined;
  const message = cleanLine(found.message, MESSAGE_LIMIT);
  // Bytes in another charset than was said leave replacement characters only.
  if (!/[\p{L}\p{N}]/u.test(message)) return undefined;
  return { message, title: found.title === undefined ? undefined : cleanLine(found.title, MESSAGE_LIMIT) };
}

function wordsOf(text: string, contentType: string): ServerWords | undefined {
  const looksLikeJson = /^[[{"]/.test(text);
  if (looksLikeJson || /json/i.test(contentType)) {
    const parsed = parse(text);
    if (parsed !== undefined) return fromDocument(parsed.value);
    if (looksLikeJson) return alone(fromCutJson(text));
  }
  if (text.startsWith('<')) return alone(fromMarkup(text, MESSAGE_LIMIT));
  // Binary that calls itself nothing in particular is no sentence.
  if (/^(image|audio|video|font)\/|octet-stream|protobuf|zip/i.test(contentType)) return undefined;
  return alone(text.split('\n').find((line) => line.trim() !== ''));
}

function alone(message: string | undefined): ServerWords | undefined {
  return message === undefined ? undefined : { message, title: undefined };
}

/** An informative title wins over the detail, which is about one occurrence. */
function fromDocument(value: Json): ServerWords | undefined {
  const message = fromJson(value, 0);
  if (message === undefined || !isObject(value)) return alone(message);
  const { title, detail, details } = value;
  // PostgREST: the details are about one occurrence.
  if (
    message === value['message'] &&
    typeof details === 'string' &&
    details.trim() !== '' &&
    !message.includes(details)
  )
    return { message: `${message.trim().replace(/[.:]+$/, '')}: ${details}`, title: message };
  if (typeof title !== 'string' || typeof detail !== 'string' || message !== detail) return alone(message);
  const words = title.trim().split(/\s+/).length;
  if (words < TITLE_WORDS || informativeWords(title) < TELLING_TITLE_WORDS) return alone(message);
  const bare = title.trim().replace(/[.:!]+$/, '');
  const isSaidTwice = detail.toLowerCase().includes(bare.toLowerCase());
  return { message: isSaidTwice || detail.trim() === '' ? detail : `${bare}: ${detail}`, title: bare };
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
  const listed = fromLists(value, depth);
  if (listed !== undefined) return listed;
  // A field may be called `title` or `reason`.
  if (depth === 0 && isErrorTree(value, 0)) return fromFields(value, 0);
  const sentence = fromSentences(value, depth);
  if (sentence !== undefined && isInformative(sentence)) return sentence;
  const fields = depth === 0 ? undefined : fromFields(value, depth);
  const more = fields ?? fromEnvelopes(value, depth) ?? (depth === 0 ? fromLooks(value) : undefined);
  return more ?? withCode(value, sentence);
}

/** Errors per field say more than the sentence over them ("The given data was invalid."). */
function fromLists(object: JsonObject, depth: number): string | undefined {
  // FastAPI puts its list under `detail`.
  const lists: readonly Json[] = [
    Array.isArray(object['detail']) ? object['detail'] : undefined,
    ...LIST_KEYS.map((key) => (key === 'details' && typeof object[key] === 'string' ? undefined : object[key])),
  ];
  for (const list of lists) {
    const found = isObject(list)
      ? fromFields(list, depth + 1)
      : Array.isArray(list) || typeof list === 'string'
        ? fromJson(list, depth + 1)
        : undefined;
    // Google's details may be codes and links, which say less than the sentence beside them.
    if (found !== undefined && (list !== object['details'] || found.includes(' '))) return found;
  }
  return undefined;
}

/** The best key whose sentence says what is wrong; else the best key that has one at all. */
function fromSentences(object: JsonObject, depth: number): string | undefined {
  let plain: string | undefined;
  for (const key of SENTENCE_KEYS) {
    const found = fromJson(object[key], depth + 1);
    if (found === undefined) continue;
    if (isInformative(found)) return found;
    plain ??= found;
  }
  // OData and SAP: { "lang": "en", "value": "…" }.
  return plain ?? (typeof object['lang'] === 'string' ? fromJson(object['value'], DEPTH + 1) : undefined);
}

/**
 * `{ "phone": ["must be digits"] }`, and the same within: every value is a sentence, a list of such or a map of such. At
 * the top it needs a list: a record that was echoed back has numbers, flags and plain strings.
 */
function fromFields(object: JsonObject, depth: number): string | undefined {
  const entries = Object.entries(object).filter(([name]) => depth === 0 || !BESIDE.test(name));
  if (entries.length === 0) return undefined;
  return joined(
    entries.map(([field, value]) => {
      if (typeof value === 'string' && SENTENCES.has(field)) return value;
      if (isSentences(value)) return withField(field, firstOf(value));
      if (!isObject(value) && !Array.isArray(value)) return undefined;
      return withPath(field, isObject(value) ? fromFields(value, depth + 1) : fromJson(value, depth + 1));
    }),
  );
}

/** Lists of sentences at the ends, and nothing else. */
function isErrorTree(value: Json, depth: number): boolean {
  if (depth > DEPTH) return false;
  if (Array.isArray(value)) {
    const list: readonly Json[] = value;
    return isSentences(list) || (list.length > 0 && list.every(isTreeOrEmpty));
  }
  return isObject(value) && Object.values(value).length > 0 && Object.values(value).every(isTreeOrEmpty);

  function isTreeOrEmpty(inner: Json): boolean {
    return (isObject(inner) && Object.keys(inner).length === 0) || isErrorTree(inner, depth + 1);
  }
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
  if (!isObject(entry) || depth > DEPTH) return fromJson(entry, depth);
  const listed = fromLists(entry, depth);
  if (listed !== undefined) return listed;
  const sentence = fromSentences(entry, depth) ?? fromFields(entry, depth + 1);
  return withField(fieldOf(entry), sentence) ?? withCode(entry, undefined);
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
  const name = plainField(field);
  const last = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  return name === '' || sentence.toLowerCase().includes(last) ? sentence : `${name}: ${sentence}`;
}

/** `contact.phone: must be digits`, of an error that was found under `contact`. */
function withPath(field: string, sentence: string | undefined): string | undefined {
  const name = plainField(field);
  if (sentence === undefined || name === '' || /^\d+$/.test(name)) return sentence;
  return /^[\w.-]+: /.test(sentence) ? `${name}.${sentence}` : withField(name, sentence);
}

function plainField(field: string): string {
  const name = field
    .replace(/^(?:(?:body|query|header|json|form)(?:\.|$)|path\.|#?\/?(?:data\/)?(?:attributes\/)?)/, '')
    .replaceAll('/', '.');
  return /^(?:base|detail|errors?|messages?|non_field_errors|__all__|_?schema|\$)$/.test(name) ? '' : name;
}

function joined(sentences: readonly (string | undefined)[]): string | undefined {
  const found = sentences.filter((sentence) => sentence !== undefined);
  if (found.length === 0) return undefined;
  const rest = found.length - FIELDS_TOLD;
  const told = found.slice(0, FIELDS_TOLD).map((text, at) => (at < found.length - 1 ? text.replace(/\.$/, '') : text));
  return told.join('; ') + (rest > 0 ? ` (and ${String(rest)} more)` : '');
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Only what names itself an error: an envelope may as well hold the record that was sent. */
function fromEnvelopes(object: JsonObject, depth: number): string | undefined {
  if (depth > 2) return undefined;
  for (const key of ENVELOPE_KEYS) {
    const inner = object[key];
    if (!isObject(inner)) continue;
    const found =
      fromLists(inner, depth + 1) ??
      fromJson(inner['error'] ?? inner['message'], depth + 1) ??
      fromEnvelopes(inner, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A text under a name that is not on the list but sounds like it. */
function fromLooks(object: JsonObject): string | undefined {
  const known: readonly string[] = [...SENTENCE_KEYS, ...CODE_KEYS];
  return Object.entries(object)
    .filter(([name, value]) => !known.includes(name) && SOUNDS_LIKE_A_SENTENCE.test(name) && typeof value === 'string')
    .map(([, value]) => String(value))
    .find(isInformative);
}

/** `Bad Request (PHONE_NOT_DIGITS)`: where the sentence says nothing, the code or the problem's type may. */
function withCode(object: JsonObject, sentence: string | undefined): string | undefined {
  const code = CODE_KEYS.map((key) => object[key]).find((value) => typeof value === 'string' && isInformative(value));
  const told = typeof code === 'string' ? code : problemType(object['type']);
  if (told === undefined) return sentence;
  return sentence === undefined ? told : `${sentence} (${told})`;
}

/** The last step of the URI that names a problem type, as words. */
function problemType(type: Json): string | undefined {
  if (typeof type !== 'string' || !/^(?:https?:\/\/|urn:|\/)/.test(type)) return undefined;
  const last = /([\w-]+)\/?$/.exec(type.replace(/[?#].*$/, ''))?.[1]?.replace(/[-_]+/g, ' ');
  return last !== undefined && !/\d{3}/.test(last) && isInformative(last) && last.includes(' ') ? last : undefined;
}

/** JSON that was cut (by our cap or by the peer): the first string behind a key that holds sentences, ended or not. */
function fromCutJson(text: string): string | undefined {
  for (const key of SENTENCE_KEYS) {
    const at = text.indexOf(`"${key}"`);
    if (at < 0) continue;
    const found = /^\s*:\s*\[?\s*"((?:[^"\\]|\\.)*)/s.exec(text.slice(at + key.length + 2));
    // A cut within an escape leaves the beginning of one.
    const value = found?.[1] === undefined ? undefined : parse(`"${found[1].replace(/\\u[\da-f]{0,3}$/i, '')}"`)?.value;
    if (typeof value === 'string' && value.trim() !== '') return value;
  }
  return undefined;
}
