/** Items: their states, what an attempt records, what lists and details show. Types and their closed lists. */

/** Stored as the index in this list. The first three are unfinished and hold their place in the lane. */
export const STATES = ['pending', 'sending', 'review', 'completed', 'discarded'] as const;
export type State = (typeof STATES)[number];

export function isState(name: string): name is State {
  return (STATES as readonly string[]).includes(name);
}

/** What an attempt's end means (contract, section 5). `null` in the ledger = the attempt has not ended. */
export const OUTCOMES = [
  'delivered',
  'offline',
  'unknown',
  'unavailable',
  'throttled',
  'transient',
  'auth',
  'conflict',
  'rejected',
  'redirect',
  'misconfigured',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Why an item waits for a person. `editing`: somebody has it open in an editor. */
export const REVIEW_REASONS = [
  'rejected',
  'conflict',
  'exhausted',
  'expired',
  'redirect',
  'unknown',
  'editing',
] as const;
export type ReviewReason = (typeof REVIEW_REASONS)[number];

/** The methods that the outbox of the queue file takes: its trigger is part of the file's format. */
export const OUTBOX_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
/** Also the methods of WebDAV and CalDAV (RFC 4918, RFC 4791, RFC 3744) and others that write or have a body. */
export const METHODS = [
  ...OUTBOX_METHODS,
  ...(['ACL', 'COPY', 'LINK', 'LOCK', 'MKCALENDAR', 'MKCOL', 'MOVE', 'PROPFIND', 'PROPPATCH', 'PURGE'] as const),
  ...(['QUERY', 'REPORT', 'UNLINK', 'UNLOCK'] as const),
] as const;
export type Method = (typeof METHODS)[number];

/** What the write is about. Written `type/id`, split at the first `/`. */
export interface Entity {
  type: string;
  id: string;
}

/** The content type of a payload when none is given. */
export const DEFAULT_CONTENT_TYPE = 'application/json';

/** A validated write, ready to be stored. Made by `input/draft.ts`; later code does not check it again. */
export interface NewItem {
  target: string;
  /** Base URL of an implicit target (made from an absolute URL that lies under no configured one), else undefined. */
  implicitBaseUrl?: string;
  method: Method;
  /** Relative to the target's base URL, starts with `/` or `?`, or is empty. */
  path: string;
  /** Non-secret request headers, names in lower case, in the order given. */
  headers: Record<string, string>;
  /** Undefined exactly when there is no payload. */
  contentType: string | undefined;
  /** The exact bytes to send; undefined = no body. */
  payload: Uint8Array | undefined;
  entity: Entity | undefined;
  operation: string;
  /** Given with `--key`; undefined = a UUIDv7 is made when the item is stored. */
  idempotencyKey: string | undefined;
  /** Not sent before this time: epoch ms, or ms counted from the moment of storing. */
  notBefore: { at: number } | { delayMs: number } | undefined;
  /** Deadline, likewise. */
  expires: { at: number } | { delayMs: number } | undefined;
  /** Counted failures before review; undefined = the target's `retry.max`. */
  maxRetries: number | undefined;
  tags: string[];
}

export const WAITING_KINDS = ['due', 'waiting', 'blocked', 'held'] as const;
export type WaitingKind = (typeof WAITING_KINDS)[number];
/** A state, or what pending items wait for. */
export type StateFilter = State | WaitingKind;

/** One row of the ledger: one request on the wire (a redirect followed within it is the same attempt). */
export interface Attempt {
  /** Counted from 1 within the item. */
  number: number;
  /** Epoch ms. */
  startedAt: number;
  /** Undefined while the attempt is open. */
  durationMs: number | undefined;
  outcome: Outcome | undefined;
  status: number | undefined;
  message: string | undefined;
  /** True when it counted against the item's retries. */
  counted: boolean;
  /** Who sent it: `kind pid@host`. */
  runner: string;
  /** Final URL when a redirect was followed, else undefined. */
  url: string | undefined;
  idempotencyKey: string | undefined;
  response: ResponseExcerpt | undefined;
}

/** The part of an answer that is stored: at most `RESPONSE_EXCERPT_BYTES` of the body. */
export interface ResponseExcerpt {
  status: number;
  /** A few that help to explain: content-type, retry-after, location, etag, x-request-id. */
  headers: Record<string, string>;
  body: Uint8Array;
  /** False when the body was cut, by us (cap) or by the peer. */
  complete: boolean;
}

/** Bytes of a response body kept in the ledger. */
export const RESPONSE_EXCERPT_BYTES = 8 * 1024;

/** What a runner needs to send an item. */
export interface StoredRequest {
  method: Method;
  path: string;
  headers: Record<string, string>;
  contentType: string | undefined;
  payload: Uint8Array | undefined;
  idempotencyKey: string;
  /** Why the stored item cannot be sent: another program may have written anything into the queue file. */
  fault?: string;
}

/** An item without its payload, as `inspect` lists it. */
export interface ItemSummary {
  id: number;
  createdAt: number;
  operation: string;
  entity: Entity | undefined;
  target: string;
  method: Method;
  path: string;
  headers: Record<string, string>;
  contentType: string | undefined;
  /** Length of the payload, also after it was pruned; undefined = no body. */
  payloadBytes: number | undefined;
  /** Lower-case hex. */
  payloadSha256: string | undefined;
  /** True when a retention rule or `erase` removed the bytes. */
  payloadGone: boolean;
  idempotencyKey: string;
  state: State;
  notBefore: number | undefined;
  expiresAt: number | undefined;
  retryCount: number;
  maxRetries: number | undefined;
  attemptCount: number;
  /**
   * Number of the first attempt that may have taken effect at the server (no answer, or a 5xx), under any key; 0 = the
   * original of this copy may have sent it; undefined = none, or the item is finished.
   */
  mayHaveArrived: number | undefined;
  /** The last attempt or event that did not deliver; undefined when nothing failed yet. */
  lastError: LastError | undefined;
  reviewReason: ReviewReason | undefined;
  /** Epoch ms of the last change of state. */
  stateAt: number;
  completedAt: number | undefined;
  response: ResponseExcerpt | undefined;
  /** What the ledger says of the attempt that delivered it. */
  deliveredAs?: string | undefined;
  tags: string[];
  revision: number;
  /** For pending items: due, waiting, blocked or held. */
  waiting: WaitingKind | undefined;
  /** Why it waits, as facts; `policy/why.ts` makes the sentence. */
  waitingOn: WaitingOn | undefined;
  /** The item is `sending`, but its runner died before it recorded an answer. The next runner takes it up. */
  isOrphaned: boolean;
}

/** What is left for a year of an item that retention removed. */
export interface PrunedItem {
  id: number;
  idempotencyKey: string;
  state: 'completed' | 'discarded';
  removedAt: number;
}

export interface LastError {
  outcome: Outcome | 'exhausted' | 'expired';
  status: number | undefined;
  message: string;
  at: number;
}

export type WaitingOn =
  | {
      kind: 'item';
      id: number;
      state: State;
      reason: ReviewReason | undefined;
      since: number;
      lastError: LastError | undefined;
      notBefore: number | undefined;
      mayHaveArrived: number | undefined;
      isOrphaned: boolean;
    }
  | {
      kind: 'target';
      name: string;
      state: TargetStateName;
      since: number;
      until: number | undefined;
      reason: string | undefined;
    }
  | { kind: 'entity-paused'; since: number; until: number | undefined; reason: string | undefined }
  | { kind: 'time'; until: number };

/** Everything about one item. */
export interface ItemDetail extends ItemSummary {
  payload: Uint8Array | undefined;
  attempts: Attempt[];
}

/** `paused` hides the state below it, which is kept and returns with `resume`. */
export const TARGET_STATES = [
  'untried',
  'online',
  'suspect',
  'offline',
  'throttled',
  'unavailable',
  'auth',
  'misconfigured',
  'paused',
] as const;
export type TargetStateName = (typeof TARGET_STATES)[number];
