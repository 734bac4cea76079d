/** Finds and replaces sensitive values in JSON text; every byte that is not part of one stays as it is. */
import { Buffer } from 'node:buffer';
import type { JsonKind } from '../../json/json-scan.js';
import { withReplacements, type Replacement } from '../../json/json-walk.js';
import type { SensitivePatterns } from '../../nouns/sensitive.js';
import { walkSensitive } from '../../privacy/sensitive.js';

export interface JsonRedaction {
  patterns: SensitivePatterns;
  /** A sensitive string, or the digits of a sensitive number. */
  sensitive: (text: string) => string;
  /** Any other string or number. */
  other: (text: string) => string;
  /** The name of a member. */
  key: (name: string) => string;
}

/** Calls back for every sensitive string and number. @throws {JsonFault} when the text is not JSON */
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

/** The text with its values replaced. @throws {JsonFault} when the text is not JSON */
export function replaceSensitive(text: string, redaction: JsonRedaction): string {
  const bytes = Buffer.from(text);
  const replacements: Replacement[] = [];
  const change = (start: number, end: number, changed: (token: string) => string): void => {
    const token = bytes.toString('utf8', start, end);
    const replacement = changed(token);
    if (replacement !== token) replacements.push({ start, end, text: replacement });
  };
  walkSensitive(
    bytes,
    redaction.patterns,
    ({ kind, start, end }, sensitive) => {
      if (kind === 'object' || kind === 'array') return;
      change(start, end, (token) => replaced(kind, token, sensitive !== undefined, redaction));
    },
    (start, end) => {
      change(start, end, (token) => changedString(token, redaction.key));
    },
  );
  return withReplacements(bytes, replacements).toString();
}

function replaced(kind: JsonKind, token: string, isHidden: boolean, { sensitive, other }: JsonRedaction): string {
  const change = isHidden ? sensitive : other;
  if (kind === 'string') return changedString(token, change);
  if (kind === 'number') {
    // The exponent stays: another one may be a number that no program can hold.
    const [mantissa = token] = /^[^eE]*/.exec(token) ?? [];
    return change(mantissa) + token.slice(mantissa.length);
  }
  // With only two values there is no choice left: the result must not reveal which of the two it was.
  return isHidden && token !== 'null' ? 'false' : token;
}

/** A token whose value stays keeps its spelling. */
function changedString(token: string, change: (value: string) => string): string {
  const value = JSON.parse(token) as string;
  const stand = change(value);
  return stand === value ? token : JSON.stringify(stand);
}
