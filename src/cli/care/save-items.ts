/**
 * Writes every readable item as NDJSON for `enqueue --from`. Finished items go to a separate file: enqueued again, they
 * would be sent a second time.
 */
import path from 'node:path';
import type { FilePlace, SavedItem } from '../../core/store/doors/care.js';
import { salvageQueue } from '../../core/store/doors/care.js';
import { assertFree } from '../../core/files/new-file.js';
import { AtomicFile } from '../../core/files/atomic-file.js';
import type { JsonObject } from '../../render/json.js';
import { isoTime, jsonLine, payloadFields } from '../../render/json.js';

export interface SaveReport {
  file: string;
  saved: number;
  /** File and number of completed and discarded items; undefined = there were none. */
  finishedFile: string | undefined;
  finished: number;
  /** Ids on unreadable pages; some may never have been used. */
  unreadable: number[];
  /** Items whose bytes differ from those enqueued; they are not saved, because they must not be sent. */
  altered: number[];
}

class Part extends AtomicFile {
  count = 0;

  add(item: SavedItem): void {
    this.write(jsonLine(savedLine(item)));
    this.count += 1;
  }
}

/**
 * @throws {QueueError} usage when a file exists already; disk-full, unwritable, corrupt. Neither file is created then.
 */
export function saveItems(place: FilePlace, to: string): SaveReport {
  const file = path.resolve(to);
  const finishedFile = `${file}.finished`;
  assertFree(file);
  assertFree(finishedFile);
  const parts = { open: new Part(file), finished: new Part(finishedFile) };
  const [unreadable, altered]: [number[], number[]] = [[], []];
  try {
    for (const found of salvageQueue(place)) {
      if (found.kind === 'item') (isOver(found.item) ? parts.finished : parts.open).add(found.item);
      else (found.kind === 'altered' ? altered : unreadable).push(found.id);
    }
    parts.open.commit();
    if (parts.finished.count > 0) parts.finished.commit();
    else parts.finished.discard();
  } catch (error) {
    parts.open.discard();
    parts.finished.discard();
    throw error;
  }
  const finished = parts.finished.count;
  return {
    file,
    saved: parts.open.count,
    finishedFile: finished > 0 ? finishedFile : undefined,
    finished,
    unreadable,
    altered,
  };
}

/** An unfinished item without its payload cannot be sent either. */
const isOver = ({ state, payloadGone }: SavedItem): boolean =>
  state === 'completed' || state === 'discarded' || payloadGone;

function savedLine(item: SavedItem): JsonObject {
  return {
    id: item.id,
    createdAt: isoTime(item.createdAt),
    state: item.state,
    target: item.target,
    method: item.method,
    path: item.path,
    headers: { ...item.headers },
    entity: item.entity === undefined ? null : { type: item.entity.type, id: item.entity.id },
    operation: item.operation,
    idempotencyKey: item.idempotencyKey,
    notBefore: isoTime(item.notBefore),
    expiresAt: isoTime(item.expiresAt),
    maxRetries: item.maxRetries ?? null,
    tags: [...item.tags],
    contentType: item.contentType ?? null,
    ...payloadFields(item.payload, item.contentType, { oneLine: true }),
  };
}
