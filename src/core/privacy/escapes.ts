/** Decodes and writes the escapes of JSON, URLs, HTML and the dumps of programming languages. */
import { Buffer } from 'node:buffer';
import { characterOf, ENTITY } from './entities.js';

const HEX = '[0-9a-fA-F]';
const TRAIL = '[89abAB]' + HEX;

/** Matches one character as UTF-8 bytes, each after `sign`; a byte that fits no sequence counts as Latin-1. */
function bytesBehind(sign: string): string {
  const more = (count: number): string => `(?:${sign}${TRAIL}){${count}}`;
  const rows = [`[cCdD]${HEX}${more(1)}`, `[eE]${HEX}${more(2)}`, `[fF][0-7]${more(3)}`, `${HEX}{2}`];
  return `${sign}(?:${rows.join('|')})`;
}

/** Every alternative has a bounded length, so a search takes linear time. */
const ESCAPE = [
  bytesBehind('%'),
  `%u${HEX}{4}`,
  bytesBehind('\\\\x'),
  `\\\\u(?:${HEX}{4}|\\{${HEX}{1,6}\\})`,
  `\\\\["'\\\\/bfnrt]`,
  ENTITY,
].join('|');

const IN_TEXT = new RegExp(ESCAPE, 'g');
/** A form writes a blank as `+`. */
const IN_FORM = new RegExp(`\\+|${ESCAPE}`, 'g');

/** All escapes of a text, each one character or half a surrogate pair. */
export function escapesIn(text: string, isForm: boolean): IterableIterator<RegExpExecArray> {
  return text.matchAll(isForm ? IN_FORM : IN_TEXT);
}

const SHORT: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** The character of an escape; undefined when it only looks like one. */
export function decoded(escape: string): string | undefined {
  if (escape === '+') return ' ';
  if (escape.startsWith('&')) return characterOf(escape);
  if (/^[%\\]u/.test(escape)) return ofPoint(Number.parseInt(escape.replace(/^[%\\]u\{?|\}$/g, ''), 16));
  const hex = escape.startsWith('%') || escape.startsWith('\\x') ? escape.replace(/%|\\x/g, '') : undefined;
  if (hex === undefined) return SHORT[escape.slice(1)] ?? escape.slice(1);
  const bytes = Buffer.from(hex, 'hex');
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd')) return text;
  return bytes.length === 1 ? bytes.toString('latin1') : undefined;
}

function ofPoint(point: number): string | undefined {
  return point <= 0x10ffff ? String.fromCodePoint(point) : undefined;
}

/** Writes a character in the same format as `escape`, which it replaces, so that the text around it stays readable. */
export function spelledLike(escape: string, character: string): string {
  const isLower = /[a-f]/.test(escape) && !/[A-F]/.test(escape);
  const hex = (number: number, digits: number): string => {
    const text = number.toString(16).padStart(digits, '0');
    return isLower ? text : text.toUpperCase();
  };
  const each = (sign: string): string =>
    Array.from({ length: character.length }, (_unused, at) => sign + hex(character.charCodeAt(at), 4)).join('');
  const bytes = (sign: string): string => Array.from(Buffer.from(character), (byte) => sign + hex(byte, 2)).join('');
  if (escape.startsWith('&')) return `&#${character.codePointAt(0) ?? 0};`;
  if (escape.startsWith('%u')) return each('%u');
  if (escape.startsWith('%') || escape === '+') return bytes('%');
  if (escape.startsWith('\\x')) return bytes('\\x');
  return escape.startsWith('\\u') ? each('\\u') : JSON.stringify(character).slice(1, -1);
}

/** The part of an escape at the end of a cut text; also the first bytes of a character, decoded as Latin-1. */
const BEGUN = /(?:(?:(?:%|\\x)[0-9a-fA-F]{0,2})+|\\(?:u[0-9a-fA-F]{0,3})?|&[#\w]{0,7}|[\u0080-\u00ff]{1,3})$/;
const LONGEST_ESCAPE = 16;

/** Removes an incomplete escape at the end of a cut text. */
export function withoutBegunEscape(text: string): string {
  // Search only the end: from the front, the pattern would try every character.
  const end = text.slice(-LONGEST_ESCAPE);
  return text.slice(0, text.length - end.length) + end.replace(BEGUN, '');
}
