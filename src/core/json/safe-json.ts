/** Writes JSON for files that people also read in a terminal: control characters become escapes, which mean the same. */

/** Characters that `JSON.stringify` leaves raw: DEL, C1 controls, bidirectional marks and controls, line separators. */
const HARMFUL = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(
    HARMFUL,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
