/** Checks texts that are shown on one line and compared byte by byte: entity parts, tags, words in messages. */

/**
 * True when every character shows as itself: no control character (C0, DEL, C1), line separator, bidirectional control, byte
 * order mark or lone surrogate, which could deceive a reader of a terminal or a log.
 */
export function isPrintable(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x20 || (c >= 0x7f && c <= 0x9f)) return false;
    if (c >= 0x200e && isHidden(c)) return false;
  }
  return !hasLoneSurrogate(text);
}

function isHidden(c: number): boolean {
  return c <= 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c === 0xfeff;
}

/** Why `text` cannot be a label of at most `longest` characters; undefined when it can. Never repeats the text. */
export function labelFault(text: string, longest: number): string | undefined {
  if (text === '') return 'is empty';
  if (text.length > longest) return `is longer than ${longest} characters`;
  // `activity/42` and `activity/42 ` would look the same and be two lanes.
  if (text.trim() !== text) return 'begins or ends with white space';
  return isPrintable(text) ? undefined : 'holds a character that cannot be shown';
}

/** True when `text` holds half of a surrogate pair, which has no UTF-8 form. */
export function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}

/** The text of UTF-8 bytes, a byte order mark included; undefined when they are not UTF-8. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** A user's word inside a message: quoted, cut to 60 characters, with control characters escaped. */
export function quoted(text: string): string {
  const cut = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return isPrintable(cut) ? `"${cut}"` : JSON.stringify(cut).replace(/[^ -~]/g, '?');
}
