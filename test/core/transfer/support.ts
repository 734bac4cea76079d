/** Items for the tests of what leaves and enters a queue. */
import { createHash } from 'node:crypto';

import type { BundleContext } from '../../../src/core/transfer/bundle-item.js';
import type { ArchivedItem } from '../../../src/core/store/archive.js';
import { context } from '../input/context.js';

/** Reads items of the targets `api` and `production`. */
export function bundleContext(): BundleContext {
  return {
    ...context(),
    knownTarget: () => ({ implicitBaseUrl: undefined }),
    bundleTargets: new Set(['api', 'production']),
  };
}

/** A pending PUT without anything, but for what is given. */
export function archivedItem(more: Partial<ArchivedItem> = {}): ArchivedItem {
  const { payload } = more;
  return {
    id: 1,
    createdAt: Date.UTC(2026, 2, 5, 14, 30),
    target: 'api',
    entity: undefined,
    operation: 'update',
    method: 'PUT',
    path: '/things/1',
    headers: {},
    contentType: payload === undefined ? undefined : 'application/json',
    payloadBytes: payload?.length,
    payloadSha256: payload === undefined ? undefined : createHash('sha256').update(payload).digest('hex'),
    idempotencyKey: `key-${more.id ?? 1}`,
    state: 'pending',
    ownLane: false,
    notBefore: undefined,
    askedAt: undefined,
    expiresAt: undefined,
    retryCount: 0,
    maxRetries: undefined,
    attemptCount: more.attempts?.length ?? 0,
    stateAt: Date.UTC(2026, 2, 5, 14, 30),
    review: undefined,
    tags: [],
    revision: 0,
    mayHaveArrived: undefined,
    attempts: [],
    revisions: [],
    history: [],
    payload,
    ...more,
  };
}
