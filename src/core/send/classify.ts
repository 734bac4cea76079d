/** The outcome table (contract, section 5): what an attempt's end means for the item and its target. Pure. */
import type { Method, Outcome, ResponseExcerpt } from '../nouns/item.js';
import type { TargetConfig } from '../nouns/target.js';
import { hideValuesOf, type Hide } from '../privacy/hide-values.js';
import { ruleFor, type Answered } from '../policy/outcome-rules.js';
import { wordsOfServer } from '../policy/reasons.js';
import { repeatWords } from '../policy/why.js';
import type { SensitivePatterns } from '../nouns/sensitive.js';
import { intermediaryReason, fits, mediaType } from './intermediary.js';
import { causeKey, namesIn } from './cause-key.js';
import { cleanLine } from './clean-text.js';
import { BAD_REQUEST } from './failure.js';
import type { SendResult } from './result.js';
import { retryAfterMs } from './retry-after.js';
import { serverWords } from './server-message.js';

export interface Classified {
  outcome: Outcome;
  /** Undefined when no status arrived. */
  status?: number;
  /** One clean line: the server's own sentence where there is one. */
  message: string;
  /** What the server asked for (Retry-After), ms from now, 0 to 24 h. Undefined when it asked for nothing. */
  retryAfterMs?: number;
  /** Target of a 307 or 308 that was followed. */
  redirectedTo?: string;
  /** Equal for attempts that failed for the same cause, whatever ids their messages hold. Unset when delivered. */
  cause?: string;
}

/** What classification needs of a target. */
export type ClassifyRules = Pick<TargetConfig, 'baseUrl' | 'outcomes' | 'expect' | 'sensitive'> &
  Partial<Pick<TargetConfig, 'headers'>>;

/**
 * The parts of the request that it needs: the payload, because servers repeat it, and the headers, for the outcome
 * rules.
 */
export interface ClassifiedRequest {
  method: Method;
  payload?: Uint8Array | undefined;
  headers?: Readonly<Record<string, string>>;
}

/** What it needs of the attempts before this one. */
export type EarlierAttempts = Pick<Answered, 'repeatOf' | 'hasEarlierKey'>;

const NO_ATTEMPT: EarlierAttempts = {};

/** @param now epoch ms; only for a Retry-After that is a date */
export function classify(
  result: SendResult,
  request: ClassifiedRequest,
  target: ClassifyRules,
  now: number,
  earlier = NO_ATTEMPT,
): Classified {
  switch (result.kind) {
    case 'response': {
      const classified = ofStranger(result, request, target) ?? ofResponse(result, request, target, now, earlier);
      const { redirectedTo } = result;
      if (redirectedTo === undefined) return classified;
      return { ...classified, redirectedTo: hideValuesOf([request.payload], target.sensitive)(redirectedTo) };
    }
    case 'unreachable':
      return { outcome: 'offline', message: result.message, cause: result.code };
    case 'no-answer':
      return { outcome: 'unknown', message: result.message, cause: result.code };
    case 'misconfigured':
      // One item that HTTP cannot carry must not hold the whole target.
      return {
        outcome: result.code === BAD_REQUEST ? 'rejected' : 'misconfigured',
        message: result.message,
        cause: result.code,
      };
  }
}

/** No outcome rule applies: this answer is not the server's. */
function ofStranger(
  { response, proxyLogin }: Extract<SendResult, { kind: 'response' }>,
  { method }: ClassifiedRequest,
  target: ClassifyRules,
): Classified | undefined {
  const { status } = response;
  if (proxyLogin !== undefined) return { outcome: 'auth', status, message: proxyLogin, cause: causeKey(proxyLogin) };
  const message = intermediaryReason(response, method, target);
  return message === undefined ? undefined : { outcome: 'unknown', status, message, cause: causeKey(message) };
}

function ofResponse(
  { response, raw = response }: Extract<SendResult, { kind: 'response' }>,
  { method, payload, headers: sent = {} }: ClassifiedRequest,
  target: ClassifyRules,
  now: number,
  { repeatOf, hasEarlierKey }: EarlierAttempts,
): Classified {
  const { status, headers } = response;
  const waitMs = retryAfterMs(headers['retry-after'], now, headers['date']);
  const rule =
    target.outcomes.length === 0 || isSuccess(status)
      ? undefined
      : ruleFor(target.outcomes, status, raw, {
          repeatOf,
          hasEarlierKey,
          headerNames: [sent, target.headers ?? {}].flatMap((of) => Object.keys(of)),
        });
  const outcome = rule?.means ?? outcomeOf(status, method, waitMs);
  if (outcome === 'delivered') {
    const surprise = isSuccess(status) ? surpriseOf(response, method, target.expect) : undefined;
    if (surprise !== undefined) return { outcome: 'unknown', status, message: surprise, cause: causeKey(surprise) };
    const isRepeat = rule !== undefined && repeatOf !== undefined;
    return { outcome, status, message: isRepeat ? repeatWords(status, repeatOf) : `delivered (${String(status)})` };
  }
  const { message, cause } = wordsOf(outcome, response, payload, target.sensitive);
  const classified: Classified = { outcome, status, message, cause: `${String(status)} ${cause}` };
  const hasHint =
    waitMs !== undefined && (outcome === 'throttled' || outcome === 'unavailable' || outcome === 'transient');
  return hasHint ? { ...classified, retryAfterMs: waitMs } : classified;
}

function outcomeOf(status: number, method: Method, waitMs: number | undefined): Outcome {
  if (isSuccess(status)) return 'delivered';
  if (method === 'DELETE' && (status === 404 || status === 410)) return 'delivered';
  switch (status) {
    case 401:
      return 'auth';
    case 409:
      // The same key is still being worked on (draft-ietf-httpapi-idempotency-key-header-07, section 2.6).
      return waitMs === undefined ? 'conflict' : 'transient';
    case 412:
    case 428:
      return 'conflict';
    case 408:
    case 425:
      return 'transient';
    case 429:
      return 'throttled';
    case 502:
    case 504:
      return 'unavailable';
    case 503:
      // "Retry-After: 0" is no hint: treat it as an outage.
      return waitMs !== undefined && waitMs > 0 ? 'throttled' : 'unavailable';
    case 511:
      return 'offline';
    default:
      return byClass(status);
  }
}

function byClass(status: number): Outcome {
  if (status >= 300 && status < 400) return 'redirect';
  if (status >= 400 && status < 500) return 'rejected';
  // A 1xx never ends an exchange, so this is not an answer.
  if (status < 200) return 'unknown';
  // 5xx, and every status outside 100..599, which counts as a 5xx (RFC 9110, section 15).
  return 'transient';
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Why a 2xx is not believed to be the API's; undefined when it is as expected. */
function surpriseOf(response: ResponseExcerpt, method: Method, expect: TargetConfig['expect']): string | undefined {
  if (expect === undefined) return undefined;
  const { status, headers, body, complete } = response;
  if (expect.status !== undefined && !expect.status.includes(status)) {
    return `answered ${String(status)}, expected ${expect.status.join(' or ')}: is a captive portal or a proxy answering?`;
  }
  const found = mediaType(headers['content-type']);
  // An answer without a body has no type: a login page always has one.
  const isBare = found === undefined && complete && body.length === 0;
  const hasNoBody = status === 204 || status === 205 || method === 'HEAD';
  if (expect.contentType === undefined || isBare || hasNoBody || fits(found, expect.contentType)) return undefined;
  return `answered ${String(status)} with ${found ?? 'no content type'}, expected ${expect.contentType}: is a captive portal or a proxy answering?`;
}

const NO_REASON = 'it gave no reason';

/** Fallback for answers without an explanation. */
const PLAIN: Readonly<Record<number, string>> = {
  401: 'the server does not accept the credential',
  404: 'the server does not know this path',
  405: 'the server does not allow this method here',
  408: 'the server waited too long for the request',
  409: 'the server reports a conflict',
  410: 'what this write is about is gone',
  412: 'a precondition of the request failed',
  413: 'the server finds the payload too large',
  415: 'the server does not accept this content type',
  425: 'the server asks to try again',
  428: 'the server takes this write only with a precondition',
  429: 'the server asks to slow down',
  500: 'the server failed',
  502: 'a gateway got no usable answer from the server',
  503: 'the server is not available',
  504: 'a gateway got no answer from the server in time',
  511: 'the network wants a login first (captive portal)',
};

interface Words {
  message: string;
  /** The message without what is about this one item. */
  cause: string;
}

/** Sensitive values are hidden before the message is kept anywhere: lists, logs, hooks and groups show it. */
function wordsOf(
  outcome: Outcome,
  response: ResponseExcerpt,
  payload: Uint8Array | undefined,
  sensitive: SensitivePatterns | undefined,
): Words {
  const said = outcome === 'redirect' ? undefined : serverWords(response);
  if (outcome !== 'redirect' && said === undefined) return alike(PLAIN[response.status] ?? noReason(response));
  const hide = hideValuesOf([payload], sensitive);
  if (said === undefined) return alike(redirectMessage(response.headers['location'], hide));
  const message = wordsOfServer(hide(said.message));
  return { message, cause: causeKey(said.title === undefined ? message : hide(said.title), namesIn(payload)) };
}

/** Compressed in a way that `unpack.ts` could not read, so its message is unknown. */
function noReason({ headers, body }: ResponseExcerpt): string {
  const coding = headers['content-encoding']?.toLowerCase();
  return coding === undefined || coding === 'identity' || body.length === 0
    ? NO_REASON
    : cleanLine(`its answer is compressed (${coding}), which was not asked for`, 100);
}

function alike(message: string): Words {
  return { message, cause: causeKey(message) };
}

/** Where a redirect leads, as a sentence. Without the query: it may hold a token (S4). */
export function redirectMessage(location: string | undefined, hide: Hide): string {
  if (location === undefined) return 'the server redirects without saying where to';
  const bare = location.replace(/[?#].*$/, '');
  return cleanLine(`the server redirects to ${hide(bare)}: is the base URL right?`, 200);
}
