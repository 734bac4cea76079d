/** Differences of two JSON values as JSON Pointers, without members that always differ. */
import { pointerTo } from '../json/json-pointer.js';
import type { SensitivePatterns } from '../nouns/sensitive.js';
import { compileSensitive, isSensitive } from '../privacy/sensitive.js';

export interface Difference {
  /** JSON Pointer (RFC 6901); empty = the whole. */
  path: string;
  kind: 'changed' | 'missing' | 'added';
  /** The value as JSON text, cut, masked where it is sensitive; undefined where it is missing. */
  original: string | undefined;
  replay: string | undefined;
}

/** Names of members that hold times and ids: they differ between any two servers. */
export const USUALLY_DIFFERENT = [
  'id', '_id', 'uuid', 'guid', 'created', 'createdAt', 'created_at', 'updated', 'updatedAt', 'updated_at', 'modified',
  'modifiedAt', 'modified_at', 'timestamp', 'requestId', 'request_id', 'traceId', 'trace_id', 'correlationId', 'etag',
] as const; // prettier-ignore

/** Most differences that are reported for one pair. */
const MOST_DIFFERENCES = 50;
const LONGEST_VALUE = 200;

export interface DiffRules {
  ignore: SensitivePatterns;
  sensitive: SensitivePatterns;
}

/** @param own names and JSON Pointers, in the grammar of `sensitive` */
export function ignoring(own: readonly string[], exact: boolean): SensitivePatterns {
  return compileSensitive([...(exact ? [] : USUALLY_DIFFERENT), ...own]);
}

export function diffJson(original: unknown, replay: unknown, rules: DiffRules): Difference[] {
  const found: Difference[] = [];
  compare([], original, replay, { rules, found, hidden: rules.sensitive.everything });
  return found;
}

interface Walk {
  rules: DiffRules;
  found: Difference[];
  /** True inside a sensitive value. */
  hidden: boolean;
}

type Steps = readonly (string | number)[];

function compare(steps: Steps, a: unknown, b: unknown, walk: Walk): void {
  if (walk.found.length >= MOST_DIFFERENCES || (steps.length > 0 && matches(steps, walk.rules.ignore))) return;
  const inner = { ...walk, hidden: walk.hidden || (steps.length > 0 && matches(steps, walk.rules.sensitive)) };
  if (isObject(a) && isObject(b)) compareMembers(steps, a, b, inner);
  else if (Array.isArray(a) && Array.isArray(b)) compareEntries(steps, a, b, inner);
  else if (!same(a, b)) tell(steps, a, b, inner);
}

function compareMembers(steps: Steps, a: Record<string, unknown>, b: Record<string, unknown>, walk: Walk): void {
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    compare(
      [...steps, name],
      Object.hasOwn(a, name) ? a[name] : undefined,
      Object.hasOwn(b, name) ? b[name] : undefined,
      walk,
    );
  }
}

function compareEntries(steps: Steps, a: readonly unknown[], b: readonly unknown[], walk: Walk): void {
  for (let at = 0; at < Math.max(a.length, b.length); at++) compare([...steps, at], a[at], b[at], walk);
}

function tell(steps: Steps, a: unknown, b: unknown, { found, hidden, rules }: Walk): void {
  found.push({
    path: pointerTo(steps),
    kind: a === undefined ? 'added' : b === undefined ? 'missing' : 'changed',
    original: shown(steps, a, hidden, rules),
    replay: shown(steps, b, hidden, rules),
  });
}

function shown(steps: Steps, value: unknown, hidden: boolean, { sensitive }: DiffRules): string | undefined {
  if (value === undefined) return undefined;
  if (hidden) return '***';
  const text = JSON.stringify(masked(steps, value, sensitive));
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}

/** A copy with sensitive members masked. */
function masked(steps: Steps, value: unknown, sensitive: SensitivePatterns): unknown {
  if (steps.length > 0 && matches(steps, sensitive)) return '***';
  if (Array.isArray(value)) return value.map((entry, at) => masked([...steps, at], entry, sensitive));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [name, masked([...steps, name], entry, sensitive)]),
  );
}

function matches(steps: Steps, patterns: SensitivePatterns): boolean {
  return isSensitive({ steps, kind: 'string', start: 0, end: 0 }, patterns);
}

function same(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'number' && typeof b === 'number' && Object.is(a, b));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
