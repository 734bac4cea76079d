/**
 * Opens or creates a queue file. Refuses one by its owner, format, version or kind of disk; then sets and reads back the
 * settings that make an acknowledged write durable.
 */
import { closeSync, constants, lstatSync, openSync, readSync, statfsSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';

import { flushDirectory, makeDirectory } from '../../../files/directory.js';
import { openPrivate } from '../../../files/private-file.js';
import type { Clock } from '../../../nouns/clock.js';
import { QueueError, isQueueError } from '../../../nouns/errors.js';
import { BUSY_TIMEOUT_MS, Connection, fileIdentity, isBusy, isFull, storeError } from './connection.js';
import { assertSafeForWriting, loadSqlite, type Database } from './driver.js';
import { assertKnownSchema, assertVersionKept } from './known-schema.js';
import { migrate } from './migrate.js';
import { forOlderFile } from '../sql/migrations.js';
import type { OpenOptions } from './open-options.js';
import { assertSafePlace } from './place.js';
import { openCopy } from './read-copy.js';
import { Reserve } from './reserve.js';
import { assertNoOrphan, assertOwnLog, sizeOf } from './stray-log.js';
import { APPLICATION_ID, CREATE_SCHEMA, SCHEMA_VERSION } from '../sql/schema.js';

/**
 * @throws {QueueError} queue-not-found, queue-owner, not-a-queue, newer-schema, corrupt, unwritable, disk-full
 */
export function openFile(options: OpenOptions): Connection {
  const { path, mode } = options;
  if (mode !== 'read') assertSafeForWriting();
  try {
    const isThere = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
    assertSafePlace(path, options.uid, mode === 'create' || (isThere && mode === 'write'));
    if (!isThere) {
      if (mode !== 'create') throw notFound(path);
      assertNoOrphan(path);
      createEmpty(path);
    }
    if (mode !== 'read' && !options.allowNetworkDisk) assertLocalDisk(path, options.diskType);
    assertQueueHeader(path, mode);
    return mode === 'read' ? openForReading(path, options.clock) : openWithReserve(options);
  } catch (error) {
    throw isQueueError(error) ? error : storeError(error, path, false);
  }
}

function notFound(path: string): QueueError {
  return new QueueError('queue-not-found', `no queue at ${path}`, {
    hint: 'check --queue and SYNCQ_QUEUE; the first syncq enqueue makes a queue',
  });
}

const OTHER_FILE = 'name another file with --queue';

function notAQueue(what: string, hint = OTHER_FILE): QueueError {
  return new QueueError('not-a-queue', `${what}; it was not touched`, { hint });
}

/** Creates files with 0600 and directories with 0700 whatever the umask, and flushes the directory, which keeps the name. */
function createEmpty(path: string): void {
  try {
    makeDirectory(dirname(path));
    closeSync(openPrivate(path, constants.O_EXCL | constants.O_RDWR));
    flushDirectory(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Magic numbers of statfs(2) for file systems whose locks cannot be trusted between hosts. */
const NETWORK_DISKS = new Map<number, string>([
  [0x6969, 'NFS'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0x517b, 'SMB'],
  [0x01021997, '9P'],
  [0x73757245, 'Coda'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
]);

export function assertLocalDisk(path: string, diskType = (name: string): number => statfsSync(name).type): void {
  const name = NETWORK_DISKS.get(diskType(dirname(path)) >>> 0);
  if (name === undefined) return;
  throw new QueueError(
    'unwritable',
    `${path} is on a network disk (${name}), where two hosts cannot see each other's locks; nothing was changed`,
    {
      hint: 'keep the queue on a local disk, or set SYNCQ_ALLOW_NETWORK_DISK=1 when only one host ever uses it',
    },
  );
}

/** Offsets in the SQLite header, https://sqlite.org/fileformat2.html section 1.3. */
const HEADER = { size: 100, writeVersion: 18, userVersion: 60, applicationId: 68 } as const;

/** The schema's table begins behind the header, and its number of rows on the first page 3 bytes on (section 1.6). */
const SCHEMA_ROWS_AT = HEADER.size + 3;

/** Files this process has open: reading one with fs would drop SQLite's locks when the handle is closed (POSIX). */
const openHere = new Map<string, number>();

/** Reads the header before SQLite does: even setting the journal mode would change a foreign file. */
function assertQueueHeader(path: string, mode: OpenOptions['mode']): void {
  if (isOpenHere(path)) return;
  const header = Buffer.alloc(SCHEMA_ROWS_AT + 2);
  const handle = openSync(path, 'r');
  const length = readSync(handle, header, 0, header.length, 0);
  closeSync(handle);
  // An empty file: its creation was interrupted, or another process is just creating it.
  if (length === 0 && mode !== 'create') throw notFound(path);
  if (length === 0) {
    assertNoOrphan(path);
    return;
  }
  if (length < header.length || header.toString('latin1', 0, 16) !== 'SQLite format 3\0') {
    throw notAQueue(`${path} is not a syncq queue`);
  }
  const isUnnamed = header.readUInt32BE(HEADER.applicationId) === 0;
  if (isUnnamed && header.readUInt16BE(SCHEMA_ROWS_AT) === 0 && sizeOf(`${path}-wal`) === 0) {
    const hint = `if no program needs it, remove it, and syncq makes a queue there; else ${OTHER_FILE}`;
    throw notAQueue(`${path} is an empty SQLite database, not a queue`, hint);
  }
  if (header.readUInt32BE(HEADER.applicationId) !== APPLICATION_ID) {
    const dump = isUnnamed
      ? ', or a queue that was copied by a dump, which loses what makes it one (use syncq backup)'
      : '';
    throw notAQueue(`${path} is an SQLite file of another program${dump}`);
  }
  assertVersion(path, header.readUInt32BE(HEADER.userVersion));
  assertOwnLog(path, header[HEADER.writeVersion] ?? 0);
}

/**
 * Returns the check to run before writes: no newer syncq has migrated the file, and nobody has added a trigger to it.
 *
 * @throws {QueueError} newer-schema, corrupt
 */
function checkFile(connection: Connection): () => void {
  let checked: number | undefined;
  return () => {
    const { user, schema } = connection.get<{ user: number; schema: number }>(FILE_VERSIONS) ?? { user: 0, schema: 0 };
    assertVersion(connection.path, user);
    if (schema === checked) return;
    assertKnownSchema(connection.db, connection.path);
    checked = schema;
  };
}

/** `schema_version` changes with every CREATE, DROP and ALTER. */
const FILE_VERSIONS = `SELECT user_version AS user, schema_version AS schema FROM pragma_user_version, pragma_schema_version`;

function assertVersion(path: string, version: number): void {
  if (version <= SCHEMA_VERSION) return;
  throw new QueueError(
    'newer-schema',
    `${path} was made by a newer syncq (file version ${version}, this one knows ${SCHEMA_VERSION}); it was not touched`,
    {
      hint: 'update syncq',
    },
  );
}

function isOpenHere(path: string): boolean {
  return (openHere.get(fileIdentity(path)) ?? 0) > 0;
}

function track(path: string): () => void {
  const key = fileIdentity(path);
  openHere.set(key, (openHere.get(key) ?? 0) + 1);
  return () => {
    openHere.set(key, (openHere.get(key) ?? 1) - 1);
  };
}

/** How long opening waits while another process creates, recovers or closes the file, ms. */
const OPENING_PATIENCE_MS = 5_000;

/** SQLite reports some of these locks without waiting for them. */
const OPENING_TRIES = 5;

/**
 * Opening a queue that nobody has open needs disk space for its index. On a full disk, the reserve is deleted first, so that
 * people can still discard and prune. An enqueue (`create`) gets the error: it would only add to the queue.
 */
function openWithReserve({ path, mode, clock, freeSpace }: OpenOptions): Connection {
  try {
    return openForWriting(path, clock);
  } catch (error) {
    if (mode === 'create' || !isFull(error) || !new Reserve(path, freeSpace).release()) throw error;
    return openForWriting(path, clock);
  }
}

function openForWriting(path: string, clock: Clock): Connection {
  for (let tries = 1; ; tries += 1) {
    try {
      return openOnce(path, clock);
    } catch (error) {
      if (!isBusy(error) || tries === OPENING_TRIES) throw error;
    }
  }
}

function openOnce(path: string, clock: Clock): Connection {
  const Sqlite = loadSqlite();
  const release = track(path);
  const db = new Sqlite(path, { fileMustExist: true, timeout: OPENING_PATIENCE_MS });
  try {
    createOrMigrate(db, path);
    makeDurable(db, path);
    const connection = new Connection(db, path, clock, release);
    connection.checkBeforeWriting(checkFile(connection));
    db.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return connection;
  } catch (error) {
    db.close();
    release();
    throw error;
  }
}

function createOrMigrate(db: Database, path: string): void {
  const version = db.pragma('user_version', { simple: true }) as number;
  assertVersion(path, version);
  if (version === SCHEMA_VERSION) return;
  if (version > 0) {
    migrate(db, path);
    return;
  }
  db.pragma('synchronous = EXTRA');
  db.exec('BEGIN EXCLUSIVE');
  try {
    // Another process may have created it meanwhile.
    if (db.pragma('user_version', { simple: true }) === 0) {
      assertVersionKept(db, path);
      db.exec(CREATE_SCHEMA);
      db.prepare(
        `INSERT INTO queue (one, uuid, created_at) VALUES (1, ?, CAST(strftime('%s', 'now') AS INTEGER) * 1000)`,
      ).run(randomUUID());
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${SCHEMA_VERSION}`);
    }
    db.exec('COMMIT');
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/**
 * WAL with a flush at every commit. The driver is compiled to fall back to NORMAL on every later connection of a WAL
 * file, which loses acknowledged commits in a power cut, so FULL is set on every open and read back.
 */
function makeDurable(db: Database, path: string): void {
  const journal = db.pragma('journal_mode = WAL', { simple: true });
  db.pragma('synchronous = FULL');
  db.pragma('fullfsync = 1');
  db.pragma('checkpoint_fullfsync = 1');
  db.pragma('secure_delete = ON');
  db.pragma('trusted_schema = OFF');
  db.pragma('foreign_keys = OFF');
  db.pragma('cache_size = -16000');
  const synchronous = db.pragma('synchronous', { simple: true });
  if (journal === 'wal' && synchronous === 2) return;
  throw new QueueError(
    'unwritable',
    `${path} cannot be written durably here (journal ${String(journal)}, synchronous ${String(synchronous)}); nothing was stored`,
    {
      hint: 'keep the queue on a local disk that supports memory-mapped files',
    },
  );
}

function openForReading(path: string, clock: Clock): Connection {
  const Sqlite = loadSqlite();
  const release = track(path);
  let db: Database | undefined;
  try {
    db = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: OPENING_PATIENCE_MS });
    db.pragma('trusted_schema = OFF');
    db.prepare('SELECT one FROM queue').get();
    if (db.pragma('user_version', { simple: true }) === 0) assertVersionKept(db, path);
    db.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return new Connection(db, path, clock, release, reading(db));
  } catch (error) {
    db?.close();
    release();
    const code = (error as { code?: string }).code ?? '';
    if (!isOpenHere(path) && /^SQLITE_(CANTOPEN|READONLY|IOERR_SHM)/.test(code)) {
      const { db: copy, path: place, dispose } = openCopy(path);
      return new Connection(copy, place, clock, dispose, reading(copy));
    }
    throw error;
  }
}

/** How to adapt this version's queries to the file; undefined = they fit as they are. */
function reading(db: Database): typeof forOlderFile | undefined {
  return (db.pragma('user_version', { simple: true }) as number) < SCHEMA_VERSION ? forOlderFile : undefined;
}
