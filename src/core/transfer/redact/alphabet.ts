/** Which characters may stand for which: letters for letters of the same script and case, digits for digits. */

const range = (first: number, last: number): string[] =>
  Array.from({ length: last - first + 1 }, (_unused, index) => String.fromCodePoint(first + index));

/** Lower-case letters and caseless ones; a stand-in comes from the same row, so it takes as many bytes of UTF-8. */
const ROWS: readonly (readonly string[])[] = [
  range(0x30, 0x39),
  range(0x61, 0x7a),
  Array.from('àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþ'),
  Array.from('āăąćĉċčďđēĕėęěĝğġģĥĩīĭįĵķĺļľłńņňŋōŏőœŕŗřśŝşšţťŧũūŭůűųŵŷźżž'),
  range(0x3b1, 0x3c9), // Greek
  range(0x430, 0x44f), // Cyrillic
  range(0x5d0, 0x5ea), // Hebrew
  range(0x627, 0x63a), // Arabic
  range(0x660, 0x669), // Arabic digits
  range(0x905, 0x939), // Devanagari
  range(0xe01, 0xe2e), // Thai
  range(0x3041, 0x3096), // Hiragana
  range(0x30a1, 0x30fa), // Katakana
  range(0x4e00, 0x8dff), // Han, the most common half
  range(0xac00, 0xd7a3), // Hangul
];

interface Place {
  row: readonly string[];
  index: number;
}

const PLACES: ReadonlyMap<string, Place> = new Map(
  ROWS.flatMap((row) => row.map((letter, index): [string, Place] => [letter, { row, index }])),
);

const WORD = /[\p{L}\p{N}]/u;
const HAN = ROWS[13] ?? [];

/** A character that is replaced: its place in a row, and whether it is upper case. Undefined = it stays as it is. */
export function placeOf(character: string): (Place & { upper: boolean }) | undefined {
  const lower = character.toLowerCase();
  const place = PLACES.get(lower);
  if (place !== undefined) return { ...place, upper: lower !== character };
  if (!WORD.test(character)) return undefined;
  // A rare script: some other letter stands for it, which is as good as any.
  return { row: HAN, index: (character.codePointAt(0) ?? 0) % HAN.length, upper: false };
}

/** Letters and digits in lower case, nothing else: equal for spellings of the same name, number or address. */
export function normalised(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');
}
