/** The library: what programs import. docs/library.md describes every export. */
export { openQueue, VERSION } from './queue/open-queue.js';
export type { OpenQueueOptions } from './queue/open-queue.js';
export type { Queue, WithWhy } from './queue/queue.js';
export type {
  AuthDocument,
  ConfigDocument,
  OutcomeRuleDocument,
  SecretSource,
  TargetDocument,
} from './config/document.js';
export type { EnqueueFromOptions, EnqueueFromReport } from './queue/enqueue-from.js';
export type { BulkSource } from './input/bulk-source.js';
export type { Write } from './input/write.js';
export type { DrainOptions, DryRunRow, WatchOptions } from './runner/options.js';
export { ERROR_CODES, isQueueError, QueueError } from './nouns/errors.js';
export type { ErrorCode } from './nouns/errors.js';
export type { QueueEvent } from './nouns/events.js';
export type { Draft } from './input/draft.js';
export type {
  Attempt,
  Entity,
  ItemDetail,
  ItemSummary,
  LastError,
  Method,
  Outcome,
  PrunedItem,
  ResponseExcerpt,
  ReviewReason,
  State,
  TargetStateName,
} from './nouns/item.js';
export type { DrainReport, InspectReport, Next, StatusReport, TargetStatus, WaitReport } from './nouns/report.js';
export type {
  Actor,
  ChangeReport,
  EnqueueResult,
  EraseReport,
  Filter,
  HistoryEntry,
  IfQueued,
  OnConflict,
  Page,
  PauseScope,
  PruneReport,
  ReviewGroup,
  Revision,
  RunnerInfo,
} from './store/store.js';
export type { AgeRow } from './policy/ages.js';
export type { Desk, DeskOptions, EditOptions, EditResult, OpenEdit } from './queue/desk.js';
export type { Edited, ItemEdits } from './input/edit-item.js';
export type { JsonChange } from './json/json-edit.js';
