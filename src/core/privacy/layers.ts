/**
 * Finds and replaces parts of a text whatever escapes spell them. A text has layers: as it is, with its escapes decoded (JSON,
 * URL and HTML at once, because one text may mix them), and decoded again while escapes are left (JSON within JSON). Each layer
 * is searched; a match is replaced in the original text.
 */
import { decoded, escapesIn, spelledLike } from './escapes.js';

/** Enough for JSON within JSON within JSON with a URL in it; each layer costs a search. */
const MOST_LAYERS = 5;

/** A part of a text and its replacement. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

/** A decoded escape: the place of its character, and of the escape in the layer below (`from`, `to`). */
interface Read {
  at: number;
  end: number;
  from: number;
  to: number;
}

interface Layer {
  text: string;
  below: Layer | undefined;
  reads: readonly Read[];
}

export interface Rewriting {
  /**
   * What the text is. A part of a path or a form is always percent-encoded: it is searched decoded only, and replacements
   * are encoded.
   */
  as: 'text' | 'path' | 'form';
  /** Spell a replacement with the escapes of the part it replaces; else as it is. */
  respell: boolean;
}

/** The text as it is, then decoded once more each time. */
export function readingsOf(text: string): string[] {
  return layersOf(text, false).map((layer) => layer.text);
}

/**
 * The text with every match of `find` in any layer replaced. Overlapping matches are replaced together, by the replacement
 * of the longest. Linear in the length of the text, apart from `find`.
 */
export function rewritten(
  text: string,
  find: (reading: string) => readonly Edit[],
  { as, respell }: Rewriting,
): string {
  const layers = layersOf(text, as === 'form');
  const searched = as === 'text' || layers.length === 1 ? layers : layers.slice(1);
  const edits = searched.flatMap((layer) => find(layer.text).map((edit) => lowered(edit, layer, respell)));
  if (edits.length === 0) return text;
  const parts: string[] = [];
  let copied = 0;
  for (const edit of apart(edits)) {
    parts.push(
      text.slice(copied, edit.start),
      as === 'text' ? edit.text : edit.text.replace(NOT_IN_URL, (character) => spelledLike('%', character)),
    );
    copied = edit.end;
  }
  return parts.join('') + text.slice(copied);
}

/** Characters that a path segment and a query value must encode. */
const NOT_IN_URL = /[^\p{Cs}\w.~%+!*()-]/gu;

function layersOf(text: string, isForm: boolean): Layer[] {
  let layer: Layer | undefined = { text, below: undefined, reads: [] };
  const layers: Layer[] = [];
  while (layer !== undefined && layers.length < MOST_LAYERS) {
    layers.push(layer);
    layer = readLayer(layer, isForm && layers.length === 1);
  }
  return layers;
}

/** The next layer; undefined when there is nothing to decode. */
function readLayer(below: Layer, isForm: boolean): Layer | undefined {
  const { text } = below;
  if (!isForm && !/[%\\&]/.test(text)) return undefined;
  const parts: string[] = [];
  const reads: Read[] = [];
  let copied = 0;
  let length = 0;
  for (const { 0: escape, index } of escapesIn(text, isForm)) {
    const character = decoded(escape);
    if (character === undefined) continue;
    const at = length + index - copied;
    parts.push(text.slice(copied, index), character);
    copied = index + escape.length;
    length = at + character.length;
    reads.push({ at, end: length, from: index, to: copied });
  }
  return reads.length === 0 ? undefined : { text: parts.join('') + text.slice(copied), below, reads };
}

/** The same edit in the original text. */
function lowered(edit: Edit, layer: Layer, respell: boolean): Edit {
  let result = edit;
  for (let at = layer; at.below !== undefined; at = at.below) {
    const { start, end } = result;
    result = {
      start: startBelow(at, start),
      end: endBelow(at, end),
      text: respell ? respelled(at, at.below, result) : result.text,
    };
  }
  return result;
}

function startBelow({ reads }: Layer, index: number): number {
  const read = reads[readsBefore(reads, index) - 1];
  if (read === undefined) return index;
  return index < read.end ? read.from : read.to + index - read.end;
}

function endBelow({ reads }: Layer, index: number): number {
  const read = reads[readsBefore(reads, index - 1) - 1];
  if (read === undefined) return index;
  return index <= read.end ? read.to : read.to + index - read.end;
}

/** How many reads begin at or before `index`. */
function readsBefore(reads: readonly Read[], index: number): number {
  let [low, high] = [0, reads.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((reads[middle]?.at ?? 0) <= index) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Characters that no format escapes. */
const PLAIN = /^[\w.~-]$/;

/** Spells each character like the one it replaces. */
function respelled(layer: Layer, below: Layer, { start, end, text }: Edit): string {
  const originals = Array.from(layer.text.slice(start, end));
  let at = start;
  const spelled = originals.map((character) => {
    const from = at;
    at += character.length;
    return below.text.slice(startBelow(layer, from), endBelow(layer, at));
  });
  const characters = Array.from(text);
  const anyEscape = spelled.find((spelling, index) => spelling !== originals[index]);
  return characters
    .map((character, index) => {
      if (character === originals[index]) return spelled[index] ?? character;
      if (PLAIN.test(character)) return character;
      // A replacement of another length (an e-mail address) has no character to follow: any escape will do.
      const model = characters.length === originals.length ? spelled[index] : anyEscape;
      return model === undefined || model === originals[index] ? character : spelledLike(model, character);
    })
    .join('');
}

/** Merges overlapping edits; returns them in the order of the text. */
function apart(edits: readonly Edit[]): Edit[] {
  const inOrder = [...edits].sort((a, b) => a.start - b.start || b.end - a.end);
  const result: (Edit & { longest: number })[] = [];
  for (const edit of inOrder) {
    const last = result.at(-1);
    const length = edit.end - edit.start;
    if (last === undefined || edit.start >= last.end) result.push({ ...edit, longest: length });
    else {
      last.end = Math.max(last.end, edit.end);
      if (length > last.longest) [last.text, last.longest] = [edit.text, length];
    }
  }
  return result;
}
