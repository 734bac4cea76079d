/** Makes text that a server or another program wrote fit to be stored and shown in one line. */

/**
 * C0, DEL, C1, line and paragraph separators, zero-width and bidirectional controls, and surrogates without their
 * partner: each could move a cursor, hide text or break the line it is printed in.
 */
const UNPRINTABLE =
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Longest input that is looked at; what lies behind it can never be shown. */
const LONGEST_INPUT = 64 * 1024;

/**
 * One line without control characters, runs of white space made one blank, cut to `limit` UTF-16 units (an ellipsis
 * tells that it was cut). Linear in the length of the text.
 */
export function cleanLine(text: string, limit: number): string {
  const flat = text.slice(0, LONGEST_INPUT).replace(UNPRINTABLE, ' ').split(/\s+/).filter(Boolean).join(' ');
  if (flat.length <= limit) return flat;
  const cut = flat.slice(0, limit - 1);
  return `${isHighSurrogate(cut.charCodeAt(cut.length - 1)) ? cut.slice(0, -1) : cut}…`;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
