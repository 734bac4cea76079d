/** JSON for files that people also look at: what a terminal would obey is spelled as an escape, which means the same. */

/** What `JSON.stringify` leaves raw: DEL, C1, marks and controls of the reading direction, separators of lines. */
const HARMFUL = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(
    HARMFUL,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
