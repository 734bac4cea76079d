/**
 * The one door of the core: what programs import and commands use.
 *
 * Reading order: `item.ts` (the nouns), `input/draft.ts` (how a write gets in), `store/sqlite/enqueue.ts` (where it is
 * kept), `runner/runner.ts` (how it is sent), `send/classify.ts` (what an answer means), `policy/settle.ts` (what
 * becomes of it).
 */
export { openQueue, openWithConfig, VERSION } from './open.js';
export type { OpenQueueOptions } from './open.js';
export type { DrainOptions, DryRunRow, Queue, QueueCommand, WatchOptions, Write } from './queue.js';
export { ERROR_CODES, isQueueError, QueueError } from './errors.js';
export type { ErrorCode } from './errors.js';
export type { QueueEvent } from './events.js';
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
} from './item.js';
export type { Archive, ArchivedItem, ArchivedTarget, StoreReport } from './store/archive.js';
export type { DrainReport, InspectReport, Next, StatusReport, TargetStatus } from './report.js';
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
  PersonCommand,
  PruneReport,
  ReviewGroup,
  Revision,
  RunnerInfo,
} from './store/store.js';
export { emptyStatus } from './status.js';
export type { AgeRow } from './support/ages.js';
export type { Desk, EditOptions, EditResult, OpenEdit } from './support/desk.js';
export type { ItemEdits } from './support/edit-item.js';
export type { JsonChange } from './support/json-edit.js';
export { adoptQueue, backupQueue, examineQueue, repairQueue, salvageQueue } from './doctor/examine.js';
export type { Examination, FilePlace } from './doctor/examine.js';
export type { Finding } from './doctor/finding.js';
export type { BackupReport } from './store/sqlite/backup.js';
export type { RepairReport } from './store/sqlite/repair.js';
export type { Salvage, SavedItem } from './store/sqlite/rescue.js';
