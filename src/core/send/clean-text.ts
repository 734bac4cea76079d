/** Cleans text from servers and other programs, so that it can be stored and shown in one line. */

/**
 * C0, DEL, C1, line and paragraph separators, zero-width and bidirectional controls, and surrogates without their
 * partner: each could move a cursor, hide text or break the line it is printed in.
 */
const UNPRINTABLE =
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * Escape sequences that a terminal executes instead of showing: colours, titles, the clipboard. A sequence does not hold
 * the start of another one, so that matching is linear.
 */
const ESCAPE_SEQUENCE =
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u009d\u0090])[^\u0007\u001b\u009c\u009d\u0090\n]*(?:\u0007|\u001b\\|\u009c)/g;

/** Longest input that is examined; the rest could never be shown. */
const LONGEST_INPUT = 64 * 1024;

/**
 * One line without control characters: white space is collapsed, and the text is cut to `limit` UTF-16 units with an
 * ellipsis. Linear in the length of the text.
 */
export function cleanLine(text: string, limit: number): string {
  const flat = text
    .slice(0, LONGEST_INPUT)
    .replace(ESCAPE_SEQUENCE, ' ')
    .replace(UNPRINTABLE, ' ')
    .split(/\s+/)
    .filter(Boolean)
    .join(' ');
  if (flat.length <= limit) return flat;
  const cut = flat.slice(0, limit - 1);
  return `${isHighSurrogate(cut.charCodeAt(cut.length - 1)) ? cut.slice(0, -1) : cut}…`;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
