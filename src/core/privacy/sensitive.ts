/** Which values of a payload a person must not see by chance, and the copy of the payload that hides them. */
import type { SensitivePatterns } from '../nouns/sensitive.js';
import type { JsonValue } from '../json/json-tokens.js';
import { pointerSteps } from '../json/json-pointer.js';
import { walkJson } from '../json/json-tokens.js';

/** What stands in a display copy for a hidden value; in JSON it is the string `"***"`. */
export const MASK = '***';

/** Hides every value: for when the config is broken or missing (contract, section 9). */
export const EVERYTHING: SensitivePatterns = { names: new Set(), pointers: [], everything: true };

/** What is wrong with an entry of `sensitive`; undefined = nothing. */
export function checkPattern(pattern: string): string | undefined {
  if (!pattern.startsWith('/')) return undefined;
  // RFC 6901, section 3: ~ stands only in ~0 and ~1.
  return /~(?![01])/.test(pattern) ? 'is not a JSON Pointer: write ~ as ~0 and / in a key as ~1' : undefined;
}

/**
 * Makes entries of `sensitive` ready: with a leading `/` a JSON Pointer (RFC 6901) whose step `*` stands for any one
 * key or index, else a key name at any depth, upper and lower case alike. Entries are those `checkPattern` accepts.
 */
export function compileSensitive(patterns: readonly string[]): SensitivePatterns {
  const isPointer = (pattern: string): boolean => pattern.startsWith('/');
  return {
    names: new Set(patterns.filter((pattern) => !isPointer(pattern)).map((name) => name.toLowerCase())),
    pointers: patterns.filter(isPointer).map(pointerSteps),
    everything: false,
  };
}

/**
 * A display copy with every sensitive value replaced by `"***"`, whatever its type; all other bytes stay as they are
 * (spelling of numbers, white space, duplicate keys). What is not JSON has no keys to tell values apart, so it is
 * hidden whole as soon as anything is sensitive. Without patterns the same bytes come back.
 */
export function maskJson(payload: Uint8Array, patterns: SensitivePatterns): Uint8Array {
  if (!patterns.everything && patterns.names.size === 0 && patterns.pointers.length === 0) return payload;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
    return new TextEncoder().encode(maskText(text, patterns));
  } catch {
    return new TextEncoder().encode(MASK);
  }
}

/** A display copy in which every value is hidden; keys and structure stay, what is not JSON is hidden whole. */
export function maskAll(payload: Uint8Array): Uint8Array {
  return maskJson(payload, EVERYTHING);
}

function maskText(text: string, patterns: SensitivePatterns): string {
  const parts: string[] = [];
  let copied = 0;
  /** Start of the hidden object or array we are inside of; -1 = none. */
  let hiddenFrom = -1;
  const hide = (start: number, end: number): void => {
    parts.push(text.slice(copied, start), JSON.stringify(MASK));
    copied = end;
  };
  walkJson(
    text,
    (value) => {
      if (hiddenFrom >= 0) {
        if (value.start !== hiddenFrom || value.end < 0) return;
        hide(hiddenFrom, value.end);
        hiddenFrom = -1;
      } else if (isSensitive(value, patterns)) {
        if (value.end < 0) hiddenFrom = value.start;
        else hide(value.start, value.end);
      }
    },
    false,
  );
  return parts.join('') + text.slice(copied);
}

/** True when a pattern names this value, or everything is to be hidden and it is no object or array. */
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
