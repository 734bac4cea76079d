/**
 * Compares the answer of the original with that of its copy: what is the same, what differs, and whether it matters.
 */
import type { Verdict } from '../policy/verdict.js';
import { isJsonContentType } from '../input/content-type.js';
import type { Attempt, Method, ResponseExcerpt } from '../nouns/item.js';
import { hideValuesOf, type Hide } from '../privacy/hide-values.js';
import { redirectMessage } from '../send/classify.js';
import { serverMessage } from '../send/server-message.js';
import type { ArchivedItem } from '../store/archive.js';
import { diffJson, type Difference, type DiffRules } from './json-diff.js';
import type { ReplayEntry } from '../store/replay-ledger.js';

export interface Side {
  /** Undefined = no answer. */
  status: number | undefined;
  durationMs: number;
  /** The server's message, or why there is no answer. */
  message: string | undefined;
}

export interface Comparison {
  item: number;
  operation: string;
  method: Method;
  path: string;
  /** The path of the copy, when paths are mapped. */
  sentPath: string;
  original: Side | undefined;
  replay: Side | undefined;
  verdict: Verdict;
  /** Why it was skipped. */
  reason: string | undefined;
  /** Differences of the two bodies; empty = none that matter, undefined = they could not be compared. */
  body: Difference[] | undefined;
  /** It was replayed in an earlier run and not sent again now. */
  earlier: boolean;
}

/** The last answer to the original; undefined when it has none yet. */
export function answeredAttempt(item: ArchivedItem): Attempt | undefined {
  return item.attempts.findLast(({ status }) => status !== undefined);
}

export function compareItem(
  item: ArchivedItem,
  sentPath: string,
  entry: ReplayEntry | undefined,
  { reason, earlier, rules }: { reason: string | undefined; earlier: boolean; rules: DiffRules },
): Comparison {
  const original = answeredAttempt(item);
  const hide = hideValuesOf([item.payload, ...item.revisions.map(({ payload }) => payload)], rules.sensitive);
  const replay = entry === undefined ? undefined : sideOf(entry, hide);
  return {
    item: item.id,
    operation: item.operation,
    method: item.method,
    path: item.path,
    sentPath,
    original:
      original === undefined
        ? undefined
        : { status: original.status, durationMs: original.durationMs ?? 0, message: originalWords(original, hide) },
    replay,
    verdict: verdictOf(original?.status, replay),
    reason: replay === undefined ? (reason ?? 'was not reached') : undefined,
    body:
      entry?.response === undefined
        ? undefined
        : compareBodies(original?.response, entry.response, rules)?.map((one) => hidden(one, hide)),
    earlier,
  };
}

function sideOf({ response, durationMs, message }: ReplayEntry, hide: Hide): Side {
  const words = response === undefined ? message : serverWords(response, hide);
  return { status: response?.status, durationMs, message: words === undefined ? undefined : hide(words) };
}

/** Undefined where the status is enough; for a redirect its location, which says more than its page. */
function serverWords(response: ResponseExcerpt, hide: Hide): string | undefined {
  const kind = classOf(response.status);
  if (kind === 2) return undefined;
  return kind === 3 ? redirectMessage(response.headers['location'], hide) : serverMessage(response);
}

/** Undefined where the status is enough. */
function originalWords({ outcome, message }: Attempt, hide: Hide): string | undefined {
  return message === undefined || outcome === 'delivered' ? undefined : hide(message);
}

/** A server may quote a sensitive value at a place that the config does not name. */
function hidden({ path, kind, original, replay }: Difference, hide: Hide): Difference {
  const shown = (text: string | undefined): string | undefined => (text === undefined ? undefined : hide(text));
  return { path: hide(path), kind, original: shown(original), replay: shown(replay) };
}

function verdictOf(original: number | undefined, replay: Side | undefined): Verdict {
  if (replay === undefined) return 'skipped';
  if (replay.status === undefined) return 'no-answer';
  if (classOf(replay.status) !== classOf(original ?? 200)) return 'differs';
  return original === undefined ? 'new' : 'same';
}

function classOf(status: number): number {
  return Math.floor(status / 100);
}

/** Bodies that were cut are not compared. */
function compareBodies(a: ResponseExcerpt | undefined, b: ResponseExcerpt, rules: DiffRules): Difference[] | undefined {
  if (a?.complete !== true || !b.complete) return undefined;
  const [left, right] = [parsed(a), parsed(b)];
  if (left !== undefined && right !== undefined) return diffJson(left.value, right.value, rules);
  if (Buffer.compare(a.body, b.body) === 0) return [];
  return [{ path: '', kind: 'changed', original: described(a), replay: described(b) }];
}

function parsed({ headers, body }: ResponseExcerpt): { value: unknown } | undefined {
  if (!isJsonContentType(headers['content-type'] ?? '')) return undefined;
  try {
    return { value: JSON.parse(Buffer.from(body).toString('utf8')) as unknown };
  } catch {
    return undefined;
  }
}

/** A body that is not JSON has no members to mask, so only its type and length are shown. */
function described({ headers, body }: ResponseExcerpt): string {
  return `${body.length} bytes of ${headers['content-type'] ?? 'no type'}`;
}
