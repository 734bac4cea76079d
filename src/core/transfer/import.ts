/** Puts a bundle into a queue: verified whole before anything is stored, then stored in one commit. */
import type { DraftContext } from '../input/draft.js';
import type { Archive, StoreReport } from '../store/archive.js';
import type { Actor } from '../store/store.js';
import { bundleItems, verifyBundle, type BundleHeader } from './bundle-file.js';
import { recipientsOf } from './bundle-recipients.js';

export interface ImportReport extends StoreReport {
  header: BundleHeader;
}

/** Stand-ins must never be sent to where the real values belong. */
const REDACTED = 'imported from a redacted bundle: its values are stand-ins';
const ASKED = 'imported with --as-paused';

/**
 * A redacted bundle always pauses the targets of its items: sending stand-ins to a real server under the real keys would
 * be worse than sending nothing.
 *
 * @throws {QueueError} bad-item: not a bundle, damaged, newer; key-conflict
 */
export async function importBundle(
  archive: Archive,
  path: string,
  {
    asPaused,
    by,
    now,
    context,
    onProgress,
  }: {
    asPaused: boolean;
    by: Actor;
    now: number;
    /** What `enqueue` would hold a write to here. */ context: DraftContext;
    onProgress?: (done: number, total: number) => void | Promise<void>;
  },
): Promise<ImportReport> {
  const bundle = verifyBundle(path);
  const { header, prologue } = bundle;
  const { batches, assertUnchanged } = bundleItems(
    path,
    bundle,
    context,
    (done) => void onProgress?.(done, header.items),
  );
  const report = await archive.store(batches, {
    targets: prologue.targets,
    recipients: recipientsOf(prologue),
    areCopies: true,
    pause: header.redacted ? REDACTED : asPaused ? ASKED : undefined,
    by,
    now,
    detail: { from: header.queue, redacted: header.redacted },
    beforeCommit: assertUnchanged,
  });
  return { ...report, header };
}
