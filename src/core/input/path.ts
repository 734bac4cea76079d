/**
 * Checks the path of an item: no URL parser, proxy or server may read it as another host or as a way out of the target's
 * base path. A path is stored and sent exactly as written: nothing here encodes or normalises it.
 */
import { Buffer } from 'node:buffer';

import { isLoopbackHost } from '../check/loopback.js';
import { refuse, refuseSize } from '../check/refuse.js';

/**
 * Characters that WHATWG URL keeps unchanged, in a path and in a query. Not among them, though valid: `'` in a query, which
 * URL rewrites as %27.
 */
const PATH_CHARACTERS = /^[A-Za-z0-9\-._~!$&'()*+,;=:@%/[\]|]*$/;
const QUERY_CHARACTERS = /^[A-Za-z0-9\-._~!$&()*+,;=:@%/[\]|?]*$/;
const BAD_PERCENT = /%(?![0-9A-Fa-f]{2})/;
/** Encoded backslash and control characters: servers disagree on whether these separate segments. */
const ENCODED_SEPARATOR = /%(?:5c|[01][0-9a-f]|7f)/i;
const ENCODED_SLASH = /%2f/i;
const ABSOLUTE = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#\\]*)/;

/** True for a text with a scheme and a host, like `https://…`. */
export function isAbsoluteUrl(text: string): boolean {
  return ABSOLUTE.test(text);
}

/**
 * Checks a path (with or without query) relative to a base URL: empty, or it starts with `/` or `?`. Refuses letters beyond
 * ASCII, spaces and other characters that a URL cannot hold instead of encoding them, so that what is listed, hashed and
 * compared is what the server sees.
 *
 * @param maxBytes longest path
 * @param encodedSlash allow `%2F`, which some APIs need within a segment (`encodedSlash` of the target)
 * @throws {QueueError} code 'bad-item', or 'too-large'
 */
export function checkPath(path: string, maxBytes: number, encodedSlash = false): string {
  if (path.length > maxBytes) refuseSize('path', maxBytes, 'pathBytes');
  if (path !== '' && !path.startsWith('/') && !path.startsWith('?')) {
    refuse('path', 'must start with / or ?', 'write it relative to the base URL of the target, such as /activities');
  }
  if (path.startsWith('//') || path.startsWith('/\\')) {
    refuse('path', 'starts with two slashes, which names another host', 'start it with one /');
  }
  const question = path.indexOf('?');
  const before = question < 0 ? path : path.slice(0, question);
  checkCharacters(before, PATH_CHARACTERS);
  if (question >= 0) checkCharacters(path.slice(question + 1), QUERY_CHARACTERS);
  if (path.includes('%')) checkPercents(path, before, encodedSlash);
  // A server may take an encoded slash for a separator.
  if (before.split(/\/|%2f/i).some(isDotSegment))
    refuse('path', 'holds a . or .. segment', 'write the path without them');
  return path;
}

function checkPercents(path: string, beforeQuery: string, encodedSlash: boolean): void {
  if (BAD_PERCENT.test(path)) refuse('path', 'holds a % without two hex digits', 'write a percent sign as %25');
  if (ENCODED_SEPARATOR.test(beforeQuery)) {
    refuse('path', 'holds an encoded backslash or control character', 'servers disagree on what these mean in a path');
  }
  if (!encodedSlash && ENCODED_SLASH.test(beforeQuery)) {
    const hint = 'servers disagree on what %2F means; if this API needs it, set "encodedSlash": true of the target';
    refuse('path', 'holds an encoded slash', hint);
  }
}

/** True for `.` and `..`, also encoded, and with parameters (`..;x`), which some servers remove first. */
function isDotSegment(segment: string): boolean {
  const semicolon = segment.indexOf(';');
  const name = (semicolon < 0 ? segment : segment.slice(0, semicolon)).replace(/%2e/gi, '.');
  return name === '.' || name === '..';
}

function checkCharacters(part: string, allowed: RegExp): void {
  if (allowed.test(part)) return;
  for (const character of part) {
    if (allowed.test(character)) continue;
    if (character === '#')
      refuse('path', 'holds a fragment (#), which is never sent', 'write # as %23, or leave it out');
    if (character === '\\') refuse('path', 'holds a backslash', 'write / or %5C');
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20 || code === 0x7f || (code >= 0xd800 && code <= 0xdfff)) refuse('path', 'holds a control character');
    const encoded = [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`);
    refuse('path', 'holds a character that a URL cannot hold', `write this character as ${encoded.join('')}`);
  }
}

/** The parts of an absolute URL. */
interface SplitUrl {
  origin: string;
  /** Everything after the authority, as written. */
  rest: string;
  /** False for plain http to a host that is not this machine. */
  isSafe: boolean;
}

/**
 * Splits an absolute URL without changing a byte of its path.
 *
 * @throws {QueueError} code 'bad-item': not http(s), user info (a credential), not a host
 */
export function splitUrl(text: string, maxBytes: number): SplitUrl {
  if (text.length > maxBytes) refuseSize('url', maxBytes, 'pathBytes');
  const match = ABSOLUTE.exec(text);
  const scheme = match?.[1]?.toLowerCase() ?? '';
  const authority = match?.[2] ?? '';
  if (match === null || (scheme !== 'https' && scheme !== 'http')) {
    refuse('url', 'is not an http or https URL', 'write it like this: https://api.example.org/v1/activities');
  }
  if (authority.includes('@')) {
    refuse('url', 'holds a user name or password', 'name the credential in the config, in "auth" of the target');
  }
  const url = URL.canParse(`${scheme}://${authority}`) ? new URL(`${scheme}://${authority}`) : undefined;
  if (url === undefined || url.hostname === '') refuse('url', 'names no valid host');
  return {
    origin: url.origin,
    rest: text.slice(match[0].length),
    isSafe: scheme === 'https' || isLoopbackHost(url.hostname),
  };
}

/** The part of `rest` below `basePath` (whole segments); undefined when it is not below. */
export function remainder(rest: string, basePath: string): string | undefined {
  if (!rest.startsWith(basePath)) return undefined;
  const next = rest.charAt(basePath.length);
  return next === '' || next === '/' || next === '?' ? rest.slice(basePath.length) : undefined;
}
