/**
 * The queue file, version 1: tables, indexes, the public views and the trigger that completes a foreign INSERT.
 * The format is public (docs/queue-file.md); decision 0001 says why it looks like this.
 *
 * The columns that make claims O(log n): `elig` is set on lane heads only, so `item_ready` and `item_wait` hold one
 * entry per lane, however long the backlog. `tally` holds every count that `status` prints.
 */
import { REVIEW_REASONS, STATES, TARGET_STATES, type State } from '../../item.js';

/** "SYNQ" in ASCII: how a queue file is told from any other SQLite file. */
export const APPLICATION_ID = 0x53594e51;

/** The schema this build writes. Older files are migrated by writing commands, newer ones refused untouched. */
export const SCHEMA_VERSION = 1;

/** Number of each state in the column `item.state`. The first three are unfinished. */
export const STATE_CODE = Object.fromEntries(STATES.map((name, code) => [name, code])) as Record<State, number>;
const { pending: PENDING, sending: SENDING, review: REVIEW, completed: COMPLETED, discarded: DISCARDED } = STATE_CODE;

/** Values of `item.elig`: NULL unless the item is a pending lane head. */
export const ELIG = { ready: 1, waiting: 2, paused: 3 } as const;

const list = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');
const storedTargetStates = TARGET_STATES.filter((name) => name !== 'paused');

const TABLES = `
CREATE TABLE queue (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  uuid TEXT NOT NULL,                       -- of this queue; a copy keeps it
  created_at INTEGER NOT NULL,
  default_target INTEGER REFERENCES target (id),
  copy_of TEXT                              -- set by backup: where this file was copied from; runners refuse it
) STRICT;

CREATE TABLE target (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 255),
  lane_order TEXT NOT NULL DEFAULT 'entity' CHECK (lane_order IN ('entity', 'strict', 'none')),
  implicit_base_url TEXT,
  bound_to TEXT,                            -- base URL its attempts went to
  state TEXT NOT NULL DEFAULT 'untried' CHECK (state IN (${list(storedTargetStates)})),
  since INTEGER NOT NULL,
  until INTEGER,
  set_at INTEGER NOT NULL DEFAULT 0,
  reason TEXT,
  hold_kind TEXT,                           -- misconfigured: config, tls, credential, binding, breaker
  hold_step INTEGER NOT NULL DEFAULT 0,
  hold_mark INTEGER NOT NULL DEFAULT 0,
  tries INTEGER NOT NULL DEFAULT 0,
  tester INTEGER NOT NULL DEFAULT 0,
  fail_item INTEGER NOT NULL DEFAULT 0,
  fail_attempt INTEGER NOT NULL DEFAULT 0,
  fail_other_attempt INTEGER NOT NULL DEFAULT 0,
  refusals TEXT,                            -- JSON: status and the lanes refused with it in a row
  offline_ms INTEGER NOT NULL DEFAULT 0,
  paused_at INTEGER, paused_until INTEGER, paused_reason TEXT, paused_by TEXT
) STRICT;

CREATE TABLE tally (                        -- counts per target, kept by every commit that moves an item
  target_id INTEGER PRIMARY KEY REFERENCES target (id),
  pending INTEGER NOT NULL DEFAULT 0, sending INTEGER NOT NULL DEFAULT 0, review INTEGER NOT NULL DEFAULT 0,
  completed INTEGER NOT NULL DEFAULT 0, discarded INTEGER NOT NULL DEFAULT 0,
  ready INTEGER NOT NULL DEFAULT 0, waiting INTEGER NOT NULL DEFAULT 0, paused INTEGER NOT NULL DEFAULT 0,
  sound_attempt INTEGER NOT NULL DEFAULT 0, -- highest attempt that ended with a sound answer
  last_completed_at INTEGER
) STRICT;

CREATE TABLE entity (
  id INTEGER PRIMARY KEY,
  type TEXT NOT NULL CHECK (type <> ''),
  key TEXT NOT NULL CHECK (key <> ''),
  paused_at INTEGER, paused_until INTEGER, paused_reason TEXT, paused_by TEXT,
  UNIQUE (type, key)
) STRICT;

CREATE TABLE review_group (                 -- why items are in review, and how many
  id INTEGER PRIMARY KEY,
  target_id INTEGER NOT NULL REFERENCES target (id),
  reason TEXT NOT NULL CHECK (reason IN (${list(REVIEW_REASONS)})),
  status INTEGER NOT NULL,                  -- 0 = no answer
  operation TEXT NOT NULL,
  cause TEXT NOT NULL,                      -- the message with ids and numbers taken out
  message TEXT NOT NULL,                    -- of the first item of the group
  items INTEGER NOT NULL DEFAULT 0,
  UNIQUE (target_id, reason, status, operation, cause)
) STRICT;

CREATE TABLE item (
  id INTEGER PRIMARY KEY AUTOINCREMENT,     -- the order of the log; never reused
  idempotency_key TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  target_id INTEGER NOT NULL REFERENCES target (id),
  entity_id INTEGER REFERENCES entity (id),
  lane INTEGER,                             -- entity id; 0 = the target's default lane; NULL = a lane of its own
  state INTEGER NOT NULL DEFAULT ${String(PENDING)} CHECK (state BETWEEN 0 AND 4),
  elig INTEGER CHECK (elig BETWEEN 1 AND 3),
  not_before INTEGER,                       -- due time of a retry or of --delay/--at
  set_at INTEGER,                           -- when not_before was set
  asked_at INTEGER,                         -- the due time the user asked for
  expires_at INTEGER,
  retry_count INTEGER NOT NULL DEFAULT 0,
  max_retries INTEGER,
  failures INTEGER NOT NULL DEFAULT 0,
  crashes INTEGER NOT NULL DEFAULT 0,
  fail_mark INTEGER,
  failing_since INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  claim_attempt INTEGER,                    -- of the open attempt: the fence of every write-back
  claim_at INTEGER,
  state_at INTEGER,                         -- last change of state; NULL = created_at
  review_group INTEGER REFERENCES review_group (id),
  revision INTEGER NOT NULL DEFAULT 0,
  payload_bytes INTEGER,                    -- kept when the payload is pruned; NULL = length(payload)
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  operation TEXT NOT NULL,
  content_type TEXT,                        -- NULL with a payload = application/json
  headers TEXT,                             -- JSON object
  tags TEXT,                                -- JSON array
  payload_sha256 BLOB,                      -- NULL = not sealed yet (foreign INSERT before its first claim)
  payload BLOB,
  CHECK ((state = ${String(SENDING)}) = (claim_attempt IS NOT NULL)),
  CHECK ((state = ${String(REVIEW)}) = (review_group IS NOT NULL)),
  CHECK (elig IS NULL OR state = ${String(PENDING)})
) STRICT;

CREATE TABLE attempt (                      -- the ledger: attempts that ended; an open one is its item's claim_attempt
  item_id INTEGER NOT NULL REFERENCES item (id),
  number INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  counted INTEGER NOT NULL,
  status INTEGER,
  message TEXT,
  runner TEXT NOT NULL,
  redirected_to TEXT,
  response_headers TEXT,                    -- JSON object
  response_complete INTEGER,
  response_body BLOB,                       -- an excerpt
  PRIMARY KEY (item_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE revision (                     -- what an edit replaced
  item_id INTEGER NOT NULL REFERENCES item (id),
  number INTEGER NOT NULL,                  -- 0 = as enqueued
  at INTEGER NOT NULL,
  who TEXT NOT NULL,
  reason TEXT,
  attempts INTEGER NOT NULL,                -- attempts made with this revision and earlier ones
  idempotency_key TEXT NOT NULL UNIQUE,
  path TEXT NOT NULL,
  content_type TEXT,
  headers TEXT,
  payload_sha256 BLOB,
  payload BLOB,
  PRIMARY KEY (item_id, number)
) STRICT;

CREATE TABLE history (                      -- append-only: what people did, and changes that no attempt explains
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  item_id INTEGER,
  target TEXT,
  who TEXT NOT NULL,
  command TEXT NOT NULL,
  event TEXT NOT NULL,
  reason TEXT,
  detail TEXT                               -- JSON object
) STRICT;

CREATE TABLE pruned (                       -- what is left of a removed item, so that a repeated key still answers
  id INTEGER PRIMARY KEY,
  idempotency_key TEXT NOT NULL UNIQUE,
  state INTEGER NOT NULL,
  content_sha256 BLOB,
  at INTEGER NOT NULL
) STRICT;

CREATE TABLE runner (                       -- whoever holds, or last held, the right to send
  one INTEGER PRIMARY KEY CHECK (one = 1),
  epoch INTEGER NOT NULL,
  kind TEXT NOT NULL, runner_id TEXT NOT NULL, pid INTEGER NOT NULL, host TEXT NOT NULL, boot_id TEXT NOT NULL,
  since INTEGER NOT NULL, seen_at INTEGER NOT NULL
) STRICT;

CREATE TABLE last_run (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  kind TEXT NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER, exit_code INTEGER,
  delivered INTEGER NOT NULL, remaining INTEGER NOT NULL
) STRICT;
`;

/** Queries name their index with INDEXED BY, so no plan depends on statistics. */
const INDEXES = `
CREATE INDEX item_lane ON item (target_id, lane, id) WHERE state < ${String(COMPLETED)} AND lane IS NOT NULL;
CREATE INDEX item_ready ON item (target_id, id) WHERE elig = ${String(ELIG.ready)};
CREATE INDEX item_wait ON item (target_id, not_before, id) WHERE elig = ${String(ELIG.waiting)};
CREATE INDEX item_held ON item (entity_id, id) WHERE elig = ${String(ELIG.paused)};
CREATE INDEX item_open ON item (max(created_at, ifnull(asked_at, 0))) WHERE state < ${String(REVIEW)};
CREATE INDEX item_sending ON item (id) WHERE state = ${String(SENDING)};
CREATE INDEX item_review ON item (review_group, id) WHERE state = ${String(REVIEW)};
CREATE INDEX item_flagged ON item (id) WHERE state = ${String(REVIEW)};
CREATE INDEX item_expiry ON item (expires_at) WHERE expires_at IS NOT NULL AND state = ${String(PENDING)};
CREATE INDEX item_entity ON item (entity_id, id) WHERE entity_id IS NOT NULL;
CREATE INDEX item_created ON item (created_at);
CREATE INDEX history_item ON history (item_id, id) WHERE item_id IS NOT NULL;
CREATE INDEX history_at ON history (at);
CREATE INDEX entity_paused ON entity (paused_at) WHERE paused_at IS NOT NULL;
`;

const stateName = `CASE item.state ${STATES.map((name, code) => `WHEN ${String(code)} THEN '${name}'`).join(' ')} END`;

const VIEWS = `
CREATE VIEW items AS
SELECT item.id, item.created_at, item.operation, entity.type AS entity_type, entity.key AS entity_id,
  target.name AS target, item.method, item.path, item.headers,
  CASE WHEN item.content_type IS NULL AND (item.payload IS NOT NULL OR item.payload_bytes IS NOT NULL)
    THEN 'application/json' ELSE item.content_type END AS content_type,
  ifnull(item.payload_bytes, length(item.payload)) AS payload_bytes, lower(hex(item.payload_sha256)) AS payload_sha256,
  item.payload, item.idempotency_key, ${stateName} AS state, item.not_before, item.expires_at,
  item.retry_count, item.max_retries, item.attempts, review_group.reason AS review_reason,
  ifnull(item.state_at, item.created_at) AS state_at,
  CASE WHEN item.state = ${String(COMPLETED)} THEN item.state_at END AS completed_at, item.tags
FROM item JOIN target ON target.id = item.target_id
LEFT JOIN entity ON entity.id = item.entity_id
LEFT JOIN review_group ON review_group.id = item.review_group;

CREATE VIEW attempts AS
SELECT item_id, number, started_at, duration_ms, outcome, counted, status, message, runner FROM attempt
UNION ALL
SELECT id, attempts, claim_at, NULL, NULL, 0, NULL, NULL, NULL FROM item WHERE state = ${String(SENDING)};

CREATE VIEW status AS
SELECT target.name AS target, CASE WHEN target.paused_at IS NULL THEN target.state ELSE 'paused' END AS state,
  target.since, target.until, target.reason, tally.pending, tally.sending, tally.review, tally.completed,
  tally.discarded, tally.last_completed_at
FROM target JOIN tally ON tally.target_id = target.id;

CREATE VIEW outbox AS
SELECT item.id, target.name AS target, item.method, item.path, item.headers, item.content_type, item.payload,
  entity.type AS entity_type, entity.key AS entity_id, item.operation, item.idempotency_key, item.not_before,
  item.expires_at, item.max_retries, item.tags
FROM item JOIN target ON target.id = item.target_id LEFT JOIN entity ON entity.id = item.entity_id;
`;

/** Milliseconds since 1970 in a form that SQLite 3.37 knows (`unixepoch('subsec')` needs 3.42). */
const SQL_NOW = `(CAST(strftime('%s', 'now') AS INTEGER) * 1000 + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER))`;

/** A UUIDv7 (RFC 9562, section 5.7) from built-in functions only: time, then random bits, version and variant fixed. */
const SQL_UUID7 = `(WITH r(t, h) AS (SELECT printf('%012x', ${SQL_NOW}), lower(hex(randomblob(10))))
  SELECT substr(t, 1, 8) || '-' || substr(t, 9, 4) || '-7' || substr(h, 1, 3) || '-'
    || substr('89ab', 1 + (abs(random()) % 4), 1) || substr(h, 4, 3) || '-' || substr(h, 7, 12) FROM r)`;

const target = `(SELECT id FROM target WHERE name = NEW.target)`;
const chosenTarget = `(CASE WHEN NEW.target IS NULL THEN (SELECT default_target FROM queue) ELSE ${target} END)`;
const entityRef = `(SELECT id FROM entity WHERE type = NEW.entity_type AND key = NEW.entity_id)`;

const reject = (message: string, condition: string): string =>
  `SELECT RAISE(ABORT, 'syncq: ${message}') WHERE ${condition};`;

/**
 * Everything is checked by RAISE(ABORT) before the first write: an outer `INSERT OR IGNORE` would turn a later CHECK
 * or UNIQUE failure into a silent skip, while ABORT is not overridden (decision 0001, finding 1.3).
 */
const CHECKS = [
  reject('id is given by the queue', 'NEW.id IS NOT NULL'),
  reject('unknown target', `${chosenTarget} IS NULL`),
  reject(
    'method must be GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS',
    `NEW.method IS NULL OR NEW.method NOT IN ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS')`,
  ),
  reject(
    'path must be relative to the base URL, start with / and hold no .. or control character',
    `NEW.path IS NULL OR typeof(NEW.path) <> 'text' OR NEW.path = '' OR substr(NEW.path, 1, 1) NOT IN ('/', '?')
     OR substr(NEW.path, 1, 2) = '//' OR NEW.path GLOB '*[^!-~]*' OR instr(NEW.path, '\\') OR instr(NEW.path, '#')
     OR (NEW.path || '/') LIKE '%/../%' OR (NEW.path || '?') LIKE '%/..?%' OR (NEW.path || '/') LIKE '%/./%' OR NEW.path LIKE '%\\%2e%' ESCAPE '\\'
     OR NEW.path LIKE '%\\%2f%' ESCAPE '\\' OR NEW.path LIKE '%\\%5c%' ESCAPE '\\' OR length(NEW.path) > 8192`,
  ),
  reject(
    'entity_type and entity_id go together and may not be empty',
    `(NEW.entity_type IS NULL) <> (NEW.entity_id IS NULL) OR NEW.entity_type = '' OR NEW.entity_id = ''
     OR instr(NEW.entity_type, '/')`,
  ),
  reject(
    'idempotency_key must be 1 to 128 of A-Z a-z 0-9 . _ : ~ -',
    `NEW.idempotency_key IS NOT NULL AND (typeof(NEW.idempotency_key) <> 'text'
     OR length(NEW.idempotency_key) NOT BETWEEN 1 AND 128 OR NEW.idempotency_key GLOB '*[^-A-Za-z0-9._:~]*')`,
  ),
  reject(
    'idempotency_key is taken',
    `NEW.idempotency_key IS NOT NULL AND (EXISTS (SELECT 1 FROM item WHERE idempotency_key = NEW.idempotency_key)
     OR EXISTS (SELECT 1 FROM revision WHERE idempotency_key = NEW.idempotency_key)
     OR EXISTS (SELECT 1 FROM pruned WHERE idempotency_key = NEW.idempotency_key))`,
  ),
  reject('payload is over 1 MiB', `length(CAST(NEW.payload AS BLOB)) > 1048576`),
  reject(
    'operation must be 1 to 64 of A-Z a-z 0-9 . _ -',
    `NEW.operation IS NOT NULL AND (typeof(NEW.operation) <> 'text' OR length(NEW.operation) NOT BETWEEN 1 AND 64
     OR NEW.operation GLOB '*[^-A-Za-z0-9._]*')`,
  ),
  reject(
    'content_type must be a MIME type without control characters',
    `NEW.content_type IS NOT NULL AND (NEW.content_type NOT LIKE '_%/_%' OR NEW.content_type GLOB '*[^ -~]*')`,
  ),
  reject(
    'headers must be a JSON object as text',
    `NEW.headers IS NOT NULL AND (typeof(NEW.headers) <> 'text' OR substr(trim(NEW.headers), 1, 1) <> '{'
     OR substr(trim(NEW.headers), -1) <> '}' OR length(NEW.headers) > 16384)`,
  ),
  reject(
    'tags must be a JSON array as text',
    `NEW.tags IS NOT NULL AND (typeof(NEW.tags) <> 'text' OR substr(trim(NEW.tags), 1, 1) <> '['
     OR substr(trim(NEW.tags), -1) <> ']')`,
  ),
  reject(
    'not_before, expires_at and max_retries are whole numbers (times in ms since 1970)',
    `typeof(NEW.not_before) NOT IN ('null', 'integer') OR typeof(NEW.expires_at) NOT IN ('null', 'integer')
     OR typeof(NEW.max_retries) NOT IN ('null', 'integer') OR NEW.not_before < 0 OR NEW.expires_at < 0
     OR NEW.max_retries NOT BETWEEN 0 AND 1000`,
  ),
];

const laneOfNew = `(SELECT CASE
    WHEN target.lane_order = 'none' THEN NULL
    WHEN target.lane_order = 'strict' THEN 0
    WHEN NEW.entity_type IS NOT NULL THEN ${entityRef}
    WHEN NEW.not_before > ${SQL_NOW} THEN NULL
    ELSE 0 END FROM target WHERE target.id = ${chosenTarget})`;

/** The item that this trigger just stored: nobody else can have stored one since, the trigger holds the write lock. */
const newest = `(SELECT max(id) FROM item)`;

const TRIGGER = `
CREATE TRIGGER outbox_insert INSTEAD OF INSERT ON outbox
BEGIN
  ${CHECKS.join('\n  ')}
  INSERT INTO entity (type, key) SELECT NEW.entity_type, NEW.entity_id
    WHERE NEW.entity_type IS NOT NULL AND ${entityRef} IS NULL;
  INSERT INTO item (idempotency_key, created_at, target_id, entity_id, lane, not_before, set_at, asked_at, expires_at,
    max_retries, method, path, operation, content_type, headers, tags, payload)
  VALUES (
    ifnull(NEW.idempotency_key, ${SQL_UUID7}), ${SQL_NOW}, ${chosenTarget},
    CASE WHEN NEW.entity_type IS NULL THEN NULL ELSE ${entityRef} END, ${laneOfNew},
    CASE WHEN NEW.not_before > ${SQL_NOW} THEN NEW.not_before END,
    CASE WHEN NEW.not_before > ${SQL_NOW} THEN ${SQL_NOW} END,
    NEW.not_before, NEW.expires_at, NEW.max_retries, NEW.method, NEW.path,
    ifnull(NEW.operation, CASE NEW.method WHEN 'POST' THEN 'create' WHEN 'PUT' THEN 'update' WHEN 'PATCH' THEN 'update'
      WHEN 'DELETE' THEN 'delete' ELSE lower(NEW.method) END),
    CASE WHEN NEW.payload IS NULL THEN NULL ELSE NEW.content_type END, NEW.headers, NEW.tags, CAST(NEW.payload AS BLOB));
  UPDATE item SET elig = CASE
      WHEN EXISTS (SELECT 1 FROM entity WHERE entity.id = item.entity_id AND entity.paused_at IS NOT NULL) THEN ${String(ELIG.paused)}
      WHEN not_before IS NOT NULL THEN ${String(ELIG.waiting)} ELSE ${String(ELIG.ready)} END
    WHERE id = ${newest} AND (lane IS NULL OR NOT EXISTS (SELECT 1 FROM item AS ahead INDEXED BY item_lane
      WHERE ahead.target_id = item.target_id AND ahead.lane = item.lane AND ahead.lane IS NOT NULL
        AND ahead.state < ${String(COMPLETED)} AND ahead.id < item.id));
  UPDATE tally SET pending = pending + 1,
      ready = ready + ifnull((SELECT elig = ${String(ELIG.ready)} FROM item WHERE id = ${newest}), 0),
      waiting = waiting + ifnull((SELECT elig = ${String(ELIG.waiting)} FROM item WHERE id = ${newest}), 0),
      paused = paused + ifnull((SELECT elig = ${String(ELIG.paused)} FROM item WHERE id = ${newest}), 0)
    WHERE target_id = ${chosenTarget};
END;
`;

/** Everything a new queue file holds, in one script. */
export const CREATE_SCHEMA = TABLES + INDEXES + VIEWS + TRIGGER;

/** `MIGRATIONS[n]` takes a file of version n+1 to n+2; runs inside one exclusive transaction. */
export const MIGRATIONS: readonly string[] = [];

export { COMPLETED, DISCARDED, PENDING, REVIEW, SENDING };
