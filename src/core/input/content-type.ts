/** Checks media types and tells which of them are JSON. */
import { refuse } from '../check/refuse.js';

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const ESSENCE = new RegExp(`^${TOKEN}/${TOKEN}$`);
/** One parameter, from `lastIndex` on. Sticky, without overlapping repeats: linear in the length of the text. */
const PARAMETER = new RegExp(
  `[ \\t]*;[ \\t]*${TOKEN}=(?:${TOKEN}|"(?:[^"\\\\\\x00-\\x08\\x0a-\\x1f\\x7f-\\uffff]|\\\\[\\t -~])*")`,
  'y',
);
const LONGEST = 256;

/**
 * Checks `type/subtype` with parameters (RFC 9110, section 8.3.1), at most 256 characters; returns it trimmed.
 *
 * @throws {QueueError} code 'bad-item'
 */
export function checkContentType(text: string): string {
  const type = text.trim();
  if (type.length > LONGEST) refuse('contentType', `is longer than ${LONGEST} characters`);
  const semicolon = type.indexOf(';');
  const essence = (semicolon < 0 ? type : type.slice(0, semicolon)).trimEnd();
  let pos = essence.length;
  PARAMETER.lastIndex = pos;
  while (pos < type.length && PARAMETER.test(type)) pos = PARAMETER.lastIndex;
  if (!ESSENCE.test(essence) || pos < type.length) {
    refuse('contentType', 'is not a media type', 'a media type is TYPE/SUBTYPE, such as application/json or text/csv');
  }
  return type;
}

/** True for `application/json`, `text/json` and every `+json` (WHATWG MIME Sniffing, "JSON MIME type"). */
export function isJsonContentType(contentType: string): boolean {
  const semicolon = contentType.indexOf(';');
  const essence = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
  return (
    essence === 'application/json' || essence === 'text/json' || (essence.includes('/') && essence.endsWith('+json'))
  );
}
