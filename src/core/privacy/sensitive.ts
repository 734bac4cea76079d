/** Finds the sensitive values of a payload, and makes the copy that hides them from people. */
import { Buffer } from 'node:buffer';
import type { SensitivePatterns } from '../nouns/sensitive.js';
import { isPointer, pointerSteps } from '../json/json-pointer.js';
import { walkJson, withReplacements, type JsonValue, type Replacement } from '../json/json-walk.js';

/** Replaces a hidden value in a display copy; in JSON it is the string `"***"`. */
export const MASK = '***';

/** Patterns that hide every value, for a broken or missing config (contract, section 9). Keys and structure stay. */
export const EVERYTHING: SensitivePatterns = { names: new Set(), pointers: [], everything: true };

/** What is wrong with an entry of `sensitive`; undefined = nothing. */
export function checkPattern(pattern: string): string | undefined {
  const isFine = !pattern.startsWith('/') || isPointer(pattern);
  return isFine ? undefined : 'is not a JSON Pointer: write ~ as ~0 and / in a key as ~1';
}

/**
 * Compiles entries of `sensitive` that `checkPattern` accepts. An entry with a leading `/` is a JSON Pointer (RFC 6901) whose
 * step `*` stands for any key or index; any other is the name of a key at any depth, in upper or lower case.
 */
export function compileSensitive(patterns: readonly string[]): SensitivePatterns {
  return {
    names: new Set(patterns.filter((pattern) => !pattern.startsWith('/')).map((name) => name.toLowerCase())),
    pointers: patterns.filter((pattern) => pattern.startsWith('/')).map(pointerSteps),
    everything: false,
  };
}

/**
 * A display copy with every sensitive value replaced by `"***"`, whatever its type; all other bytes stay (spelling of
 * numbers, white space, duplicate keys). A payload that is not JSON has no keys, so it is hidden whole as soon as anything is
 * sensitive. Without patterns, returns the same bytes.
 */
export function maskJson(payload: Uint8Array, patterns: SensitivePatterns): Uint8Array {
  if (!patterns.everything && patterns.names.size === 0 && patterns.pointers.length === 0) return payload;
  try {
    return withReplacements(payload, hiddenParts(payload, patterns));
  } catch {
    return Buffer.from(MASK);
  }
}

function hiddenParts(payload: Uint8Array, patterns: SensitivePatterns): Replacement[] {
  const parts: Replacement[] = [];
  walkSensitive(payload, patterns, ({ start, end }, sensitive) => {
    if (sensitive === 'itself' && end >= 0) parts.push({ start, end, text: JSON.stringify(MASK) });
  });
  return parts;
}

/**
 * Walks a JSON text as `walkJson` does, and says of each value whether it is sensitive: by itself, or because it lies in a
 * sensitive object or list.
 *
 * @throws {JsonFault} the text is not JSON
 */
export function walkSensitive(
  bytes: Uint8Array,
  patterns: SensitivePatterns,
  visit: (value: JsonValue, sensitive: 'itself' | 'inside' | undefined) => void,
  visitName?: (start: number, end: number) => void,
): void {
  /** Start of the sensitive value we are in; -1 = none. */
  let from = -1;
  const visitor = (value: JsonValue): void => {
    if (from < 0 && isSensitive(value, patterns)) from = value.start;
    const isItself = value.start === from;
    visit(value, isItself ? 'itself' : from >= 0 ? 'inside' : undefined);
    if (isItself && value.end >= 0) from = -1;
  };
  walkJson(bytes, visitor, { visitName });
}

/** True when a pattern names this value, or when everything is sensitive and it is not an object or array. */
export function isSensitive({ steps, kind }: JsonValue, patterns: SensitivePatterns): boolean {
  if (patterns.everything) return kind !== 'object' && kind !== 'array';
  const last = steps.at(-1);
  if (typeof last === 'string' && patterns.names.has(last.toLowerCase())) return true;
  return patterns.pointers.some((pointer) => matches(pointer, steps));
}

function matches(pointer: readonly string[], steps: readonly (string | number)[]): boolean {
  return (
    pointer.length === steps.length && pointer.every((step, index) => step === '*' || step === String(steps[index]))
  );
}
