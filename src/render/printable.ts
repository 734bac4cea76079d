/**
 * Escapes foreign text (server answers, paths, payloads, names), so that it cannot move the cursor, change the title,
 * use the clipboard, overwrite a line or change the reading direction.
 */
import stringWidth from 'string-width';

/**
 * C0, DEL and C1 (\p{Cc}); lone surrogates (\p{Cs} under the u flag); direction marks and controls (Unicode
 * Bidi_Control); the two separators that some programs treat as the end of a line.
 */
const HARMFUL = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const PLAIN_ASCII = /^[\x20-\x7e]*$/;

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function visible(character: string): string {
  const code = character.charCodeAt(0);
  return (
    NAMED[character] ??
    (code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`)
  );
}

/**
 * Escapes text of several lines: keeps line feeds and tabs; other harmful characters become visible (`\x1b`, `\u202e`).
 */
export function printable(text: string): string {
  return text.replace(HARMFUL, (character) =>
    character === '\n' || character === '\t' ? character : visible(character),
  );
}

/** Escapes text for one line of a log, a table or a sentence: line feeds and tabs become visible too. */
export function oneLine(text: string): string {
  return PLAIN_ASCII.test(text) ? text : text.replace(HARMFUL, visible);
}

/** Columns that sanitised text takes on a terminal: wide characters count two, combining marks none. */
export function textWidth(text: string): number {
  return PLAIN_ASCII.test(text) ? text.length : stringWidth(text);
}

/** Cuts sanitised text to at most `columns` columns, between visible characters; a cut ends in `…`. */
export function cut(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  if (columns < 1) return '';
  let kept = '';
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    const next = textWidth(segment);
    if (width + next > columns - 1) break;
    kept += segment;
    width += next;
  }
  return `${kept}…`;
}

/** Escapes foreign text and cuts it to one line of `columns` columns. */
export function fitted(text: string, columns: number): string {
  // No reader sees more characters than this, so the rest of a long text is not processed.
  return cut(oneLine(text.length > columns * 8 ? text.slice(0, columns * 8) : text), columns);
}
