/** Finds and replaces sensitive values in JSON text; every byte that is not part of one stays as it is. */
import type { JsonValue } from '../../json/json-tokens.js';
import { walkJson } from '../../json/json-tokens.js';
import type { SensitivePatterns } from '../../nouns/sensitive.js';
import { isSensitive } from '../../privacy/sensitive.js';

export interface JsonRedaction {
  patterns: SensitivePatterns;
  /** A sensitive string, or the text of a sensitive number. */
  sensitive: (text: string) => string;
  /** Any other string or number. */
  other: (text: string) => string;
  /** The name of a member. */
  key: (name: string) => string;
}

/** Told of every sensitive string and number. @throws {JsonTextError} when the text is not JSON */
export function findSensitive(text: string, patterns: SensitivePatterns, found: (value: string) => void): void {
  replaceSensitive(text, {
    patterns,
    sensitive: (value) => {
      found(value);
      return value;
    },
    other: (value) => value,
    key: (name) => name,
  });
}

/** The text with its values replaced. @throws {JsonTextError} when the text is not JSON */
export function replaceSensitive(text: string, redaction: JsonRedaction): string {
  const parts: string[] = [];
  let copied = 0;
  /** End of the sensitive object or array we are in is unknown until it comes: its start tells it again. */
  let hiddenFrom = -1;
  const put = (start: number, end: number, replacement: string): void => {
    parts.push(text.slice(copied, start), replacement);
    copied = end;
  };
  walkJson(
    text,
    (value) => {
      if (value.kind === 'object' || value.kind === 'array') {
        if (value.end >= 0 && value.start === hiddenFrom) hiddenFrom = -1;
        else if (value.end < 0 && hiddenFrom < 0 && isSensitiveBranch(value, redaction.patterns))
          hiddenFrom = value.start;
        return;
      }
      const isHidden = hiddenFrom >= 0 || isSensitive(value, redaction.patterns);
      const token = text.slice(value.start, value.end);
      const replacement = replaced(value.kind, token, isHidden, redaction);
      if (replacement !== token) put(value.start, value.end, replacement);
    },
    false,
    (start, end) => {
      const token = text.slice(start, end);
      const replacement = changedString(token, redaction.key);
      if (replacement !== token) put(start, end, replacement);
    },
  );
  return parts.join('') + text.slice(copied);
}

/** "Everything" hides values, not structure: every value inside is told for itself. */
function isSensitiveBranch(value: JsonValue, patterns: SensitivePatterns): boolean {
  return !patterns.everything && isSensitive(value, patterns);
}

function replaced(
  kind: JsonValue['kind'],
  token: string,
  isHidden: boolean,
  { sensitive, other }: JsonRedaction,
): string {
  const change = isHidden ? sensitive : other;
  if (kind === 'string') return changedString(token, change);
  if (kind === 'number') {
    // The exponent stays: another one may be a number that no program can hold.
    const [mantissa = token] = /^[^eE]*/.exec(token) ?? [];
    return change(mantissa) + token.slice(mantissa.length);
  }
  // Two values leave nothing to choose from: which of the two it was must not be told.
  return isHidden && token !== 'null' ? 'false' : token;
}

/** A token whose value stays keeps its spelling. */
function changedString(token: string, change: (value: string) => string): string {
  const value = JSON.parse(token) as string;
  const stand = change(value);
  return stand === value ? token : JSON.stringify(stand);
}
