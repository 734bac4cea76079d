/** What makes two error messages the same cause, so that a hundred refusals become one line with a count. */

/** Field names in quotes stay: `"phone" is required` and `"email" is required` are two causes (Joi, ajv and others). */
const QUOTED_FIELD =
  /(?:^|[:;,.] )["'][A-Za-z_][\w.[\]-]{0,60}["'](?= (?:is required|is not allowed|must|should|length|contains|cannot|can't))|\b(?:property|properties|field|parameter|param|attribute|column|key|header) ["'`][A-Za-z_][\w.[\]-]{0,60}["'`]/g;
const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi;
const EMAIL = /[^\s@"'<>(),;:]{1,64}@[^\s@"'<>(),;:]{1,255}/g;
const URL_OR_PATH = /\bhttps?:\/\/[^\s"'<>]+|(?<=^|[\s("'])\/[\w.~%+-]+(?:\/[\w.~%+-]+)+/g;
const QUOTED = /"[^"]*"|`[^`]*`|“[^”]*”|„[^“”]*[“”]|«[^»]*»|‘[^’]*’|(?<![\p{L}\p{N}])'[^']*'(?![\p{L}\p{N}])/gu;
/** Times, versions, amounts, and the digits inside ids such as ACT-1041. */
const NUMBER = /[-+]?\d+(?:[.,:T/-]\d+)*Z?/g;
/** Hex of 8 digits or more with at least one decimal digit among them, so that no word is taken for one. */
const HEX = /\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b/gi;

/** No message is longer; keeps a crafted one from costing more than its length. */
const LONGEST = 1000;

/**
 * The message with its changing parts - ids, numbers, quoted values, addresses - replaced by placeholders. Messages
 * with the same key have the same cause; two different sentences keep two keys.
 */
export function causeKey(message: string): string {
  const text = message.slice(0, LONGEST);
  let key = '';
  let at = 0;
  for (const field of text.matchAll(QUOTED_FIELD)) {
    key += generalised(text.slice(at, field.index)) + field[0];
    at = field.index + field[0].length;
  }
  return (key + generalised(text.slice(at))).trim();
}

function generalised(text: string): string {
  return text
    .replace(UUID, '<id>')
    .replace(EMAIL, '<email>')
    .replace(URL_OR_PATH, '<url>')
    .replace(QUOTED, '<value>')
    .replace(HEX, '<id>')
    .replace(NUMBER, '<n>');
}
