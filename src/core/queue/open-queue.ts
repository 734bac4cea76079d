/** Opens a queue for programs and for the commands. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { systemClock } from '../nouns/clock.js';
import type { Config } from '../nouns/config.js';
import { emptyConfig, isPostgresUrl, parseConfig } from '../config/validate.js';
import { QueueError } from '../nouns/errors.js';
import { currentUid } from '../nouns/host.js';
import { openOptions } from './arguments.js';
import { LocalQueue } from './local-queue.js';
import type { ConfigDocument } from '../config/document.js';
import type { CommandQueue, Queue } from './queue.js';
import { openSqliteStore } from '../store/doors/open-store.js';

export interface OpenQueueOptions {
  /** Path of the queue file, or its `file:` URL. */
  queue: string | URL;
  /**
   * The config in the form of the config file (docs/config.md): `{ targets: { production: { baseUrl: '…' } } }`.
   * Relative paths in it are relative to `baseDir`.
   */
  config?: ConfigDocument;
  /** Default: the current directory. */
  baseDir?: string;
  /** `create` (default) creates a missing queue, `write` needs an existing one, `read` changes nothing. */
  mode?: 'read' | 'write' | 'create';
  /** Variables for `{ "env": NAME }` secrets and proxies. Default: none; pass `process.env`. */
  env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Opens a queue. Close it when done.
 *
 * @throws {QueueError} usage, bad-config, queue-not-found, queue-owner, not-a-queue, newer-schema, corrupt, unwritable, disk-full
 *
 * @example
 * const queue = await openQueue({ queue: './outbox.db', config: { targets: { api: { baseUrl: 'https://api.example.org' } } } });
 * await queue.enqueue({ method: 'POST', path: '/activities', json: { name: 'walk' } });
 * await queue.drain();
 * await queue.close();
 */
export async function openQueue(options: OpenQueueOptions): Promise<Queue> {
  const { queue, config: document, baseDir = '.', mode = 'create', env = {} } = openOptions(options);
  return openWithConfig({
    queue: pathOf(queue),
    mode,
    config: document === undefined ? emptyConfig() : parseConfig(document, { source: undefined, baseDir }),
    configIsKnown: document !== undefined,
    env,
  });
}

/** Duck-typed, because `instanceof` fails across realms. */
function pathOf(queue: unknown): string {
  if (typeof queue === 'string' && queue !== '') return queue;
  if (Object.prototype.toString.call(queue) === '[object URL]' && (queue as URL).protocol === 'file:')
    return fileURLToPath(queue as URL);
  throw new QueueError('usage', 'options.queue: is neither the path of a file nor its file: URL', {
    hint: "for example: openQueue({ queue: './outbox.db' })",
  });
}

export interface OpenWithConfig {
  queue: string;
  mode: 'read' | 'write' | 'create';
  config: Config;
  configIsKnown: boolean;
  env: Readonly<Record<string, string | undefined>>;
}

/** The same with a config that is already checked. */
export async function openWithConfig({
  queue,
  mode,
  config,
  configIsKnown,
  env,
}: OpenWithConfig): Promise<CommandQueue> {
  if (isPostgresUrl(queue)) {
    throw new QueueError('unwritable', 'queues in PostgreSQL are not supported by this version; nothing was changed', {
      hint: 'name a file with --queue',
    });
  }
  const store = openSqliteStore({
    path: resolve(queue),
    mode,
    clock: systemClock,
    uid: currentUid(),
    allowNetworkDisk: env['SYNCQ_ALLOW_NETWORK_DISK'] === '1',
  });
  return new LocalQueue({ store, config, configIsKnown, env, version: VERSION });
}

/** Also in the User-Agent; a test compares it with package.json. */
export const VERSION = '0.1.0';
