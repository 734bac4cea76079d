/** Finds the error sentence in an HTML page or an XML document by patterns, without parsing it. */
import { characterOf, ENTITY } from '../privacy/entities.js';
import { cleanLine } from './clean-text.js';
import { isInformative } from './informative-sentence.js';

/** Where the sentence is, best first: the title, headings, then the places where frameworks put the reason. */
const TAGS = ['title', 'h1', 'h2', 'message', 'faultstring', 'detail', 'reason', 'pre', 'p'] as const;
/** Most elements examined of a tag that pages contain many of. */
const MOST_OF_A_TAG = 5;
const LONGEST_ELEMENT = 4096;
/** The title that Express gives every page. */
const SAYS_NOTHING = /^error[.!\s]*$/i;

/** `413 Request Entity Too Large`: the text below it may say more. */
const STATUS_LINE = /^\d{3}\s/;
/** Prefixes of XML names: `<s:message>` of sabre/dav. */
const PREFIX = /(<\/?)[a-z][\w-]*:(?=[a-z])/gi;

/** Text that a browser does not show. */
const NOT_SHOWN = /<(script|style)\b[^>]*>[^<]*(?:<(?!\/\1)[^<]*)*/gi;

/** The first that says what is wrong; else the first there is ("502 Bad Gateway"). */
export function fromMarkup(text: string, limit: number): string | undefined {
  const bare = text.replace(PREFIX, '$1');
  const lower = bare.toLowerCase();
  let plain: string | undefined;
  for (const tag of TAGS) {
    const isHead = tag !== 'pre' && tag !== 'p';
    // Look at the text of a titled page only if the title says nothing.
    for (const found of elements(bare, lower, tag, isHead ? 1 : MOST_OF_A_TAG)) {
      const line = cleanLine(found, limit);
      if (line === '') continue;
      const isStatus = STATUS_LINE.test(line) || line === plain?.replace(STATUS_LINE, '');
      if (isInformative(line) && !(isHead && isStatus)) return line;
      if (isHead && !SAYS_NOTHING.test(line)) plain ??= line;
    }
  }
  return plain ?? conditionOf(bare);
}

/** The name of the condition that failed (RFC 4918, section 16): `no-uid-conflict`. */
function conditionOf(text: string): string | undefined {
  return /<error\b[^>]*>\s*<([a-z][\w-]*)/i.exec(text)?.[1];
}

function* elements(text: string, lower: string, tag: string, most: number): Generator<string> {
  let from = 0;
  for (let count = 0; count < most; count += 1) {
    const open = lower.indexOf(`<${tag}`, from);
    const start = open < 0 ? -1 : lower.indexOf('>', open);
    if (start < 0) return;
    from = start + 1;
    if (!/[\s>/]/.test(lower.charAt(open + tag.length + 1))) continue;
    // A cut page ends inside an element; the rest of that element counts.
    const close = lower.indexOf(`</${tag}`, from);
    const end = Math.min(close < 0 ? lower.length : close, from + LONGEST_ELEMENT);
    const inner = text.slice(from, end);
    const first = (tag === 'pre' ? firstLine(inner) : inner).replace(NOT_SHOWN, ' ');
    yield unescapeMarkup(first.replace(/<[^<>]*>/g, ' ')).replace(/^\s*Message\s+(?=\S)/, '');
  }
}

/** Express and others put a stack trace behind the sentence. */
function firstLine(text: string): string {
  return text.split(/<br\b|\n(?=\s*at )/i, 1)[0] ?? '';
}

const ANY_ENTITY = new RegExp(ENTITY, 'g');

function unescapeMarkup(text: string): string {
  return text.replace(ANY_ENTITY, (whole) => characterOf(whole) ?? whole);
}
