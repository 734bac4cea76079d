/** Imports a bundle: verifies it whole, then stores it in one commit. */
import type { DraftContext } from '../input/draft.js';
import type { Archive, StoreReport } from '../store/archive.js';
import type { Actor } from '../store/store.js';
import { bundleItems, verifyBundle, type BundleHeader } from './bundle-file.js';
import { recipientsOf } from './bundle-recipients.js';

/** Reason to pause the targets of stand-ins: these must never go to the server of the real values. */
const REDACTED = 'imported from a redacted bundle: its values are stand-ins';
const ASKED = 'imported with --as-paused';

export interface BundleImport {
  asPaused: boolean;
  by: Actor;
  now: number;
  /** What `enqueue` checks a write against in this queue. */
  context: DraftContext;
  onProgress?: (done: number, total: number) => void | Promise<void>;
}

/**
 * Stores the items of a bundle. A redacted bundle always pauses their targets: sending stand-ins to a real server under the
 * real keys would be worse than sending nothing.
 *
 * @throws {QueueError} bad-item: not a bundle, damaged, newer; key-conflict
 */
export async function importBundle(
  archive: Archive,
  path: string,
  { asPaused, by, now, context, onProgress }: BundleImport,
): Promise<StoreReport & { header: BundleHeader }> {
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
