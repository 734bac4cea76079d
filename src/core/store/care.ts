/**
 * Care for a queue beside its daily use: examine, repair, copy, adopt and salvage it. Each call opens the queue by itself,
 * so that it also works on one that the store refuses to open. A store that has a tool of its own for a task (`pg_dump`)
 * names that tool in the error it throws.
 */
import type { Clock } from '../nouns/clock.js';
import type { Finding } from '../nouns/finding.js';
import type { ItemDetail } from '../nouns/item.js';
import type { KnownTarget } from '../policy/doctor-findings.js';
import type { Actor, RunnerInfo } from './store.js';

/** Which queue file, and with what rights it is opened. */
export interface FilePlace {
  /** Absolute path. */
  path: string;
  clock: Clock;
  /** As `SYNCQ_ALLOW_NETWORK_DISK=1`. Default false. */
  allowNetworkDisk?: boolean;
}

export interface FileExamination {
  findings: Finding[];
  sqlite: string;
  walBytes: number;
  freeBytes: number | undefined;
  /** Undefined, as all that follows, when the file could not be opened. */
  schemaVersion: number | undefined;
  items: number | undefined;
  /** Items with a payload, and how many of those have no checksum yet. */
  payloads: number | undefined;
  unsealed: number | undefined;
  copyOf: string | undefined;
  runner: RunnerInfo | undefined;
  targets: KnownTarget[];
  /** Latest time stored anywhere in the file, epoch ms. */
  latestAt: number | undefined;
}

/** Rows whose derived values were wrong. */
export interface RepairReport {
  heads: number;
  targets: number;
  groups: number;
}

export interface BackupReport {
  file: string;
  bytes: number;
  /** Items in the copy. */
  items: number;
  unfinished: number;
}

/** A write that can be enqueued again, and its state. */
export type SavedItem = Pick<
  ItemDetail,
  | 'id'
  | 'createdAt'
  | 'state'
  | 'target'
  | 'method'
  | 'path'
  | 'headers'
  | 'contentType'
  | 'payload'
  | 'payloadGone'
  | 'entity'
  | 'operation'
  | 'idempotencyKey'
  | 'notBefore'
  | 'expiresAt'
  | 'maxRetries'
  | 'tags'
>;

export type Salvage =
  | { kind: 'item'; item: SavedItem }
  /** The row, or a row that it needs, lies on a damaged page. */
  | { kind: 'unreadable'; id: number }
  /** It can be read, but its bytes are not those that were stored. */
  | { kind: 'altered'; id: number };

export interface Care {
  /** Reads everything, changes nothing. A fault is a finding, not an error. */
  examine(): Promise<FileExamination>;
  /** Computes lane heads and counts again. @throws {QueueError} other-runner, corrupt, and whatever opening refuses */
  repair(by: Actor): Promise<RepairReport>;
  /** Makes a consistent, stamped copy. @throws {QueueError} usage when `file` exists; disk-full, unwritable, corrupt */
  backup(file: string): BackupReport;
  /** Makes a copy a queue in its own right. @returns what it was a copy of; undefined = it was no copy */
  adopt(by: Actor): Promise<string | undefined>;
  /** Every item that can be read, also from a damaged file. @throws {QueueError} corrupt when nothing can be read at all */
  salvage(): Iterable<Salvage>;
}
