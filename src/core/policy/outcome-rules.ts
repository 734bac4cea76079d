/** Which rule of a target's `outcomes` matches an answer, and when an answer may mean that the write is done. Pure. */
import type { OutcomeRule } from '../nouns/target.js';
import { pointerSteps } from '../json/json-pointer.js';

/** An answer as it was received. */
export interface Answer {
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Uint8Array;
  /** False: the body is only its beginning. */
  complete: boolean;
}

/** Facts about the write that was answered. */
export interface Answered {
  /** Number of the earliest attempt with the same key and bytes that got no answer; undefined = none. */
  repeatOf?: number | undefined;
  /** An attempt under an earlier key may have arrived: the answer may be about that version. */
  hasEarlierKey?: boolean | undefined;
  /** Names of the request's headers. */
  headerNames?: readonly string[];
}

/** The first rule that matches; undefined = the outcome table decides. @param rules of the target */
export function ruleFor(
  rules: readonly OutcomeRule[],
  status: number,
  answer: Answer,
  write: Answered,
): OutcomeRule | undefined {
  if (status < 300 || status > 599) return undefined;
  let json: { value: unknown } | undefined;
  return rules.find(
    (rule) =>
      (rule.status === undefined || rule.status.includes(status) || rule.status.includes(classOf(status))) &&
      (rule.means !== 'delivered' || mayBeDone(rule, status, answer, write)) &&
      Object.entries(rule.header ?? {}).every(([name, value]) => hasHeader(answer, name, value)) &&
      Object.entries(rule.body ?? {}).every(
        ([pointer, value]) => valueAt((json ??= { value: jsonOf(answer) }).value, pointer) === value,
      ),
  );
}

const classOf = (status: number): string => `${String(Math.floor(status / 100))}xx`;

/** Servers give these before they look at the write: credential, precondition, too early, too many, captive portal. */
const SAYS_NOTHING = new Set([401, 407, 412, 425, 428, 429, 511]);

/**
 * "It is there already" also means "somebody else made it" and "it is still being made". Only an answer to a repeat of a
 * write that may have arrived says that this write is done; a failed precondition never does.
 */
function mayBeDone(rule: OutcomeRule, status: number, { headers }: Answer, write: Answered): boolean {
  const { repeatOf, hasEarlierKey = false, headerNames = [] } = write;
  if (repeatOf === undefined && rule.onlyRepeat) return false;
  return (
    !hasEarlierKey &&
    !SAYS_NOTHING.has(status) &&
    headers['retry-after'] === undefined &&
    !headerNames.some(isPrecondition)
  );
}

/** `If-Match` and similar headers, also WebDAV's `If` and vendor headers such as `x-goog-if-generation-match`. */
const isPrecondition = (name: string): boolean => /(?:^|-)if(?:-|$)/i.test(name);

function hasHeader({ headers }: Answer, name: string, wanted: string | true): boolean {
  const found = headers[name];
  if (found === undefined || wanted === true) return found !== undefined;
  return [found].flat().some((value) => value.trim() === wanted);
}

/** Undefined = the body is incomplete, compressed or not JSON, so no pointer matches. */
function jsonOf({ headers, body, complete }: Answer): unknown {
  const coding = [headers['content-encoding'] ?? 'identity'].flat().join().trim().toLowerCase();
  if (!complete || coding !== 'identity') return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch {
    return undefined;
  }
}

/** The value at a JSON Pointer (RFC 6901); undefined = none. */
function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const step of pointerSteps(pointer)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    if (Array.isArray(value) && !/^(?:0|[1-9]\d*)$/.test(step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

/** Warnings about rules that may take a refusal for a delivery, for `target test` and `doctor`. */
export function doubtfulRules({ name, outcomes }: { name: string; outcomes: readonly OutcomeRule[] }): string[] {
  return outcomes.flatMap(({ status, body, header, means, onlyRepeat }, index) => {
    const of = status === undefined ? 'an answer' : status.join(' or ');
    const place = `targets.${name}.outcomes`;
    if (!onlyRepeat) return [`${place}[${index}] takes ${of} to a first attempt for a delivery ("onlyRepeat": false)`];
    if (means !== 'delivered' || body !== undefined || header !== undefined) return [];
    return [`${place} takes any ${of} to a repeat for a delivery, also a second refusal: name a "body" or a "header"`];
  });
}
