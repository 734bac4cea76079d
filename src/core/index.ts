/**
 * The one door of the core: what programs import and commands use.
 *
 * Reading order: `nouns/item.ts` (the nouns), `input/draft.ts` (how a write gets in), `store/sqlite/write/enqueue.ts` (where it is
 * kept), `runner/runner.ts` (how it is sent), `send/classify.ts` (what an answer means), `policy/settle.ts` (what
 * becomes of it).
 */
export { openQueue, openWithConfig, VERSION } from './queue/open-queue.js';
export type { OpenQueueOptions } from './queue/open-queue.js';
export type { Queue } from './queue/queue.js';
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
  ResponseExcerpt,
  ReviewReason,
  State,
  TargetStateName,
} from './nouns/item.js';
export type { Archive, ArchivedItem, ArchivedTarget, StoreReport } from './store/archive.js';
export type { DrainReport, InspectReport, Next, StatusReport, TargetStatus } from './nouns/report.js';
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
export { emptyStatus } from './policy/status.js';
export type { AgeRow } from './policy/ages.js';
export type { Desk, DeskOptions, EditOptions, EditResult, OpenEdit } from './queue/desk.js';
export type { Edited, ItemEdits } from './input/edit-item.js';
export type { JsonChange } from './json/json-edit.js';
export { adoptQueue, backupQueue, examineQueue, repairQueue, salvageQueue } from './store/doors/care.js';
export type { BackupReport, Examination, FilePlace, RepairReport, Salvage, SavedItem } from './store/doors/care.js';
export type { Finding } from './nouns/finding.js';
