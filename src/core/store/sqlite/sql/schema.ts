/**
 * Tables and indexes of the queue file, version 2; the views for other programs are in `views.ts` and `outbox.ts`. The
 * format is public (docs/queue-file.md); decision 0001 gives the reasons.
 *
 * What makes claims O(log n): `elig` is set on lane heads only, so `item_ready` and `item_wait` hold one entry per lane,
 * however long the backlog. `tally` holds every count that `status` prints.
 */
import { REVIEW_REASONS, TARGET_STATES } from '../../../nouns/item.js';
import { COMPLETED, ELIG, PENDING, REVIEW, SENDING } from './codes.js';
import { OUTBOX_TRIGGER } from './outbox.js';
import { VIEWS } from './views.js';

/** "SYNQ" in ASCII: tells a queue file from other SQLite files. */
export const APPLICATION_ID = 0x53594e51;

/** The schema that this version writes. Writing commands migrate older files; newer ones are refused. */
export const SCHEMA_VERSION = 2;

const list = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');
const storedTargetStates = TARGET_STATES.filter((name) => name !== 'paused');

/** A migration creates this table again, with the same text. */
export const REVIEW_GROUP = `CREATE TABLE review_group (  -- why items are in review, and how many
  id INTEGER PRIMARY KEY,
  target_id INTEGER NOT NULL REFERENCES target (id),
  reason TEXT NOT NULL CHECK (reason IN (${list(REVIEW_REASONS)})),
  status INTEGER NOT NULL,                  -- 0 = no answer
  operation TEXT NOT NULL,
  cause TEXT NOT NULL,                      -- the message with ids and numbers taken out
  message TEXT NOT NULL,                    -- of the first item of the group
  items INTEGER NOT NULL DEFAULT 0,
  may_have_arrived INTEGER NOT NULL DEFAULT 0,  -- 1 = the server may have its items already
  UNIQUE (target_id, reason, status, operation, cause, may_have_arrived)
) STRICT`;

const TABLES = `
CREATE TABLE queue (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  uuid TEXT NOT NULL,                       -- of this queue; a copy keeps it
  created_at INTEGER NOT NULL,
  default_target INTEGER REFERENCES target (id),
  pruned_at INTEGER,                        -- when the retention rules were last carried out
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

${REVIEW_GROUP};

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
  may_have_arrived INTEGER,                 -- first attempt that may have had its effect; 0 = the original of this copy may have sent it
  touched INTEGER NOT NULL DEFAULT 0,       -- 1 = was claimed once, or came so
  unreadable INTEGER NOT NULL DEFAULT 0,    -- unreadable answers in a row
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

CREATE TABLE pruned (                       -- what is left of a removed item: one row a key, so that a repeated one still answers
  id INTEGER NOT NULL,
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
CREATE INDEX item_open ON item (max(created_at, ifnull(asked_at, 0))) WHERE state < ${String(REVIEW)};
CREATE INDEX item_sending ON item (id) WHERE state = ${String(SENDING)};
CREATE INDEX item_retrying ON item (id) WHERE state = ${String(PENDING)} AND attempts > 0;
CREATE INDEX item_review ON item (review_group, id) WHERE state = ${String(REVIEW)};
CREATE INDEX item_flagged ON item (id) WHERE state = ${String(REVIEW)};
CREATE INDEX item_expiry ON item (expires_at) WHERE expires_at IS NOT NULL AND state = ${String(PENDING)};
CREATE INDEX item_entity ON item (entity_id, id) WHERE entity_id IS NOT NULL;
CREATE INDEX item_done ON item (typeof(payload) = 'null', state_at) WHERE state >= ${String(COMPLETED)};
CREATE INDEX history_item ON history (item_id, id) WHERE item_id IS NOT NULL;
CREATE INDEX history_at ON history (at);
CREATE INDEX entity_paused ON entity (paused_at) WHERE paused_at IS NOT NULL;
`;

/** Creates everything in a new queue file. */
export const CREATE_SCHEMA = TABLES + INDEXES + VIEWS + OUTBOX_TRIGGER;
