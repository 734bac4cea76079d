/**
 * Commands of people and their reports: which items, what to do, by whom, and the result. The store carries out each
 * command in one transaction.
 */
import type { Entity, ItemSummary, ReviewReason, State, StateFilter } from './item.js';

/** Who does something, as `history` shows it. */
export interface Actor {
  /** Login name, or what the caller of the library says. */
  who: string;
  /** The command, e.g. `retry`. */
  command: string;
  reason: string | undefined;
}

export interface Filter {
  ids?: readonly number[];
  states?: readonly StateFilter[];
  /** `id` undefined = every entity of the type. */
  entities?: readonly { type: string; id: string | undefined }[];
  targets?: readonly string[];
  operations?: readonly string[];
  tags?: readonly string[];
  reasons?: readonly ReviewReason[];
  /** Exact status, or class times 100 with `class`. */
  statuses?: readonly { from: number; to: number }[];
  /** createdAt, epoch ms, since inclusive, until exclusive. */
  since?: number;
  until?: number;
  /** In review for the same cause as this item. */
  like?: number;
  /** Waits for this item: a later unfinished item of its lane. */
  behind?: number;
  /** Substring of path, entity, tags, key or the server's message. */
  search?: string;
}

export interface Page {
  items: ItemSummary[];
  /** Undefined when counting would need a scan. */
  total: number | undefined;
  /** Pass as `after` for the next page; undefined = no more. */
  next: number | undefined;
}

export type PersonCommand =
  | { kind: 'retry'; filter: Filter; expires: { at: number } | { delayMs: number } | undefined; dryRun: boolean }
  | { kind: 'discard'; filter: Filter; dryRun: boolean }
  | { kind: 'complete'; filter: Filter; dryRun: boolean }
  /** `yes`: also when the server may end up with both versions. */
  | ({ kind: 'edit'; id: number; yes?: boolean } & Edit)
  | { kind: 'begin-edit'; id: number; yes?: boolean }
  | { kind: 'end-edit'; id: number; token: number; edit: Edit | undefined }
  | { kind: 'pause'; what: PauseScope; until: number | undefined }
  | { kind: 'resume'; what: PauseScope }
  /** `baseUrl`: the one that is accepted; left out = whatever the next runner's config names. */
  | { kind: 'accept-target'; name: string; baseUrl?: string | undefined }
  | { kind: 'rename-target'; from: string; to: string };

export type PauseScope = { target: string } | { entity: Entity } | 'all';

/** The parts of an item that can be edited. A change of the rest (target, entity, method, times) needs a new item. */
export interface ItemContent {
  path: string;
  headers: Record<string, string>;
  contentType: string | undefined;
  payload: Uint8Array | undefined;
}

export interface Edit {
  /** The revision that was read. The edit is refused when it is no longer the current one. */
  revision: number;
  content: ItemContent;
  /** What changes, for the history: names and pointers, never values. */
  fields: readonly string[];
}

/** What an edit replaced. */
export interface Revision {
  /** 0 = as enqueued. */
  number: number;
  /** When, by whom and why it was replaced. */
  at: number;
  who: string;
  reason: string | undefined;
  /** Attempts made with this revision and earlier ones. */
  attempts: number;
  idempotencyKey: string;
  path: string;
  payloadSha256: string | undefined;
  payloadBytes: number | undefined;
}

export interface ChangeReport {
  /** Items (or, for pause and resume, targets or entities) that changed. */
  changed: number[];
  /** Items that matched but were not changed, and why. `confirm-needed`: a person has to say yes first. */
  skipped: { id: number; reason: string; state: State; code?: 'confirm-needed' }[];
  /** Ids asked for that do not exist. */
  missing: number[];
  /** Review items among the changed (or, in a dry run, those that would change), by cause. */
  groups: ReviewGroup[];
  /** Targets of the changed items. */
  targets: string[];
  /** Names (targets, entities) that pause or resume acted on. */
  names: string[];
  /** Targets that `resume` cannot free, and what they wait for. */
  stillHeld: { name: string; reason: string }[];
  /** The changed items by the state they were in. */
  from: Partial<Record<State, number>>;
  /** Changed items that the server may already have. At most 100. */
  unknown: number[];
  /** Those of `unknown` that were edited since: they have another key than the one that may have arrived. */
  underNewKey: number[];
  /** For `begin-edit`: the token that ends the edit. */
  token?: number;
}

export interface PruneRules {
  /** Finished items whose end lies before this are removed; epoch ms; undefined = none. */
  completedBefore: number | undefined;
  /** Payloads of finished items whose end lies before this are removed; undefined = none. */
  payloadsBefore: number | undefined;
}

export interface PruneReport {
  /** Items that were (in a dry run: would be) removed. */
  items: number;
  /** Items whose payload alone was removed. */
  payloads: number;
  /** More is left than one call removes. */
  more: boolean;
}

export interface EraseReport {
  /** Items about the entity that held anything. */
  items: number[];
  /** How many of these are unfinished; they are discarded. */
  discarded: number[];
  /** How many of the discarded items the server may already have. */
  unknown: number[];
  /** Attempts whose messages and answers, and revisions whose payloads, are removed. */
  attempts: number;
  revisions: number;
  /**
   * Copies of the queue from before an upgrade. They lie beside it and are removed, because they hold the same bytes.
   */
  copies: string[];
  /**
   * False when another process kept the write-ahead log from being emptied; the old bytes go when that process closes
   * the queue.
   */
  cleared: boolean;
}

export interface ReviewGroup {
  target: string;
  reason: ReviewReason;
  /** 0 = no status. */
  status: number;
  operation: string;
  count: number;
  firstId: number;
  message: string;
  /** The server may already have its items. */
  mayHaveArrived: boolean;
}

export interface HistoryEntry {
  id: number;
  at: number;
  item: number | undefined;
  target: string | undefined;
  who: string;
  command: string;
  event: string;
  reason: string | undefined;
  detail: Record<string, unknown> | undefined;
}
