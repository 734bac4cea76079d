/** `backup`: copies the queue file, and says what the copy is good for. */
import path from 'node:path';
import { backupQueue } from '../../core/store/doors/care.js';
import type { JsonObject } from '../../render/json.js';
import { refuseNotFound } from '../program/usage.js';
import type { FoundFile } from './file-place.js';

/** @throws {QueueError} not-found when there is no queue; usage when the file exists; disk-full, unwritable, corrupt */
export function backUp(place: FoundFile, to: string): { document: JsonObject; lines: string[]; talk: string[] } {
  if (!place.exists)
    refuseNotFound(`there is no queue yet at ${place.path}; nothing was copied`, 'The first syncq enqueue makes it.');
  const { file, bytes, items, unfinished } = backupQueue(place, path.resolve(to));
  return {
    document: { file, bytes, items, unfinished, copyOf: place.path },
    lines: [file],
    talk: [
      `${items} items, ${unfinished} of them unfinished; run and watch refuse this copy until: syncq doctor --queue ${file} --adopt`,
    ],
  };
}
