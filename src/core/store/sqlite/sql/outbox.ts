/**
 * The view `outbox` for other programs: an INSERT in their own transaction stores a complete item, in its lane and
 * counted. Repeats the rules of `input/` in SQL; test/core/store/sqlite/outbox.test.ts compares the two.
 */
import { DEFAULT_LIMITS } from '../../../nouns/config.js';
import { KEY_CHARACTERS, LONGEST_KEY } from '../../../input/key.js';
import { OUTBOX_METHODS } from '../../../nouns/item.js';
import { ELIG } from './codes.js';
import { headElig, IS_HEAD } from './lane-sql.js';

/** Milliseconds since 1970 in a form that SQLite 3.37 knows (`unixepoch('subsec')` needs 3.42). */
const SQL_NOW = `(CAST(strftime('%s', 'now') AS INTEGER) * 1000 + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER))`;

/** A UUIDv7 (RFC 9562, section 5.7) from built-in functions only: time, then random bits, version and variant fixed. */
const SQL_UUID7 = `(WITH r(t, h) AS (SELECT printf('%012x', ${SQL_NOW}), lower(hex(randomblob(10))))
  SELECT substr(t, 1, 8) || '-' || substr(t, 9, 4) || '-7' || substr(h, 1, 3) || '-'
    || substr('89ab', 1 + (random() & 3), 1) || substr(h, 4, 3) || '-' || substr(h, 7, 12) FROM r)`;

const target = `(SELECT id FROM target WHERE name = NEW.target)`;
const chosenTarget = `(CASE WHEN NEW.target IS NULL THEN (SELECT default_target FROM queue) ELSE ${target} END)`;
/** Some drivers (better-sqlite3 among them) pass every number as REAL; whole numbers count as integers. */
const isNoWholeNumber = (value: string): string =>
  `typeof(${value}) NOT IN ('integer', 'real', 'null') OR ${value} <> CAST(${value} AS INTEGER)`;
/** An id that is a number is stored as its digits. */
const entityKey = `CAST(CASE typeof(NEW.entity_id) WHEN 'real' THEN CAST(NEW.entity_id AS INTEGER) ELSE NEW.entity_id END AS TEXT)`;
const entityRef = `(SELECT id FROM entity WHERE type = NEW.entity_type AND key = ${entityKey})`;

const reject = (message: string, ...conditions: readonly string[]): string =>
  `SELECT RAISE(ABORT, 'syncq: ${message}') WHERE ${conditions.map((condition) => `(${condition})`).join(' OR ')};`;

/** `length` and GLOB stop at a NUL, so text with a NUL is refused first. */
const hasNul = (value: string): string => `instr(${value}, char(0))`;
const isNoText = (value: string): string => `typeof(${value}) NOT IN ('text', 'null') OR ${hasNul(value)}`;

const chars = (...codes: readonly (number | readonly [number, number])[]): string =>
  codes
    .map((code) => (typeof code === 'number' ? `char(${code})` : `char(${code[0]}) || '-' || char(${code[1]})`))
    .join(' || ');
/** The same characters as `isPrintable` and `String.trim` in check/text.ts. */
const HIDDEN = chars([1, 0x1f], [0x7f, 0x9f], [0x200e, 0x200f], [0x2028, 0x202e], [0x2066, 0x2069], 0xfeff);
const SPACES = chars(0x20, 0xa0, 0x1680, [0x2000, 0x200a], 0x202f, 0x205f, 0x3000);

const isNoLabel = (value: string): string =>
  `${value} = '' OR length(${value}) > 256 OR ${hasNul(value)} OR ${value} GLOB '*[' || ${HIDDEN} || ']*'
   OR ${value} GLOB '[' || ${SPACES} || ']*' OR ${value} GLOB '*[' || ${SPACES} || ']'`;

const HEX = '0-9A-Fa-f';
const questionAt = `instr(NEW.path, '?')`;
const beforeQuery = `(CASE ${questionAt} WHEN 0 THEN NEW.path ELSE substr(NEW.path, 1, ${questionAt} - 1) END)`;
const query = `(CASE ${questionAt} WHEN 0 THEN '' ELSE substr(NEW.path, ${questionAt} + 1) END)`;
const undotted = `(replace(replace(${beforeQuery}, '%2e', '.'), '%2E', '.') || '/')`;

/** The rules of input/path.ts. In a GLOB set, `]` comes first and `-` last. */
const BAD_PATH = [
  `NEW.path IS NULL OR ${isNoText('NEW.path')} OR length(NEW.path) > ${DEFAULT_LIMITS.pathBytes}`,
  `NEW.path <> '' AND substr(NEW.path, 1, 1) NOT IN ('/', '?') OR substr(NEW.path, 1, 2) = '//'`,
  `${beforeQuery} GLOB '*[^]A-Za-z0-9._~!$&''()*+,;=:@%/[|-]*' OR ${query} GLOB '*[^]A-Za-z0-9._~!$&()*+,;=:@%/[|?-]*'`,
  `NEW.path || '~~' GLOB '*%[^${HEX}]*' OR NEW.path || '~~' GLOB '*%[${HEX}][^${HEX}]*'`,
  `${beforeQuery} GLOB '*%2[Ff]*' OR ${beforeQuery} GLOB '*%5[Cc]*' OR ${beforeQuery} GLOB '*%[01]*' OR ${beforeQuery} GLOB '*%7[Ff]*'`,
  ...['/./', '/../', '/.;', '/..;'].map((dots) => `instr(${undotted}, '${dots}')`),
];

const headersAsWritten = `replace(replace(replace(replace(NEW.headers, ' ', ''), char(9), ''), char(10), ''), char(13), '')`;
/** Credentials never go into the file; the other headers belong to the connection. An escaped name could hide one. */
const REFUSED_HEADERS = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'x-api-key',
  'idempotency-key',
  'host',
  'content-length',
];

const looksLikeJson = (value: string, open: string, close: string): string =>
  `substr(trim(${value}), 1, 1) = '${open}' AND substr(trim(${value}), -1) = '${close}'`;

const LAST_TIME = 8_640_000_000_000_000;

/**
 * Everything is checked by RAISE(ABORT) before the first write: an outer `INSERT OR IGNORE` would turn a later CHECK
 * or UNIQUE failure into a silent skip, while ABORT is not overridden (decision 0001).
 */
const CHECKS = [
  reject('id is given by the queue', 'NEW.id IS NOT NULL'),
  reject('unknown target', `typeof(NEW.target) NOT IN ('text', 'null') OR ${chosenTarget} IS NULL`),
  reject(
    `method must be ${OUTBOX_METHODS.join(', ')}`,
    `NEW.method IS NULL OR NEW.method NOT IN (${OUTBOX_METHODS.map((name) => `'${name}'`).join(', ')})`,
  ),
  reject('path must be relative to the base URL, start with / or ?, and hold only what a URL may hold', ...BAD_PATH),
  reject(
    'entity_type and entity_id go together: printable texts of 1 to 256 characters, no / in the type',
    `(NEW.entity_type IS NULL) <> (NEW.entity_id IS NULL)`,
    `typeof(NEW.entity_type) NOT IN ('text', 'null')`,
    `typeof(NEW.entity_id) <> 'text' AND (${isNoWholeNumber('NEW.entity_id')})`,
    `instr(NEW.entity_type, '/')`,
    isNoLabel('NEW.entity_type'),
    isNoLabel(entityKey),
  ),
  reject(
    `idempotency_key must be 1 to ${LONGEST_KEY} letters, digits and _ . : ~ -`,
    isNoText('NEW.idempotency_key'),
    `length(NEW.idempotency_key) NOT BETWEEN 1 AND ${LONGEST_KEY}`,
    `NEW.idempotency_key GLOB '*[^${KEY_CHARACTERS}]*'`,
  ),
  reject(
    'idempotency_key is taken',
    ...['item', 'revision', 'pruned'].map(
      (table) => `EXISTS (SELECT 1 FROM ${table} WHERE idempotency_key = NEW.idempotency_key)`,
    ),
  ),
  reject(
    `payload is over ${DEFAULT_LIMITS.payloadBytes} bytes`,
    `length(CAST(NEW.payload AS BLOB)) > ${DEFAULT_LIMITS.payloadBytes}`,
  ),
  reject('payload cannot be sent with GET or HEAD', `NEW.payload IS NOT NULL AND NEW.method IN ('GET', 'HEAD')`),
  reject(
    'operation must be 1 to 64 letters, digits and . _ -',
    isNoText('NEW.operation'),
    `length(NEW.operation) NOT BETWEEN 1 AND 64 OR NEW.operation GLOB '*[^A-Za-z0-9._-]*'`,
  ),
  reject(
    'content_type must be a media type, and needs a payload',
    isNoText('NEW.content_type'),
    `NEW.content_type IS NOT NULL AND NEW.payload IS NULL`,
    `NEW.content_type NOT LIKE '_%/_%' OR NEW.content_type GLOB '*[^ -~]*' OR length(NEW.content_type) > 256`,
  ),
  reject(
    'headers must be a JSON object as text, without credentials and without what syncq sets itself',
    isNoText('NEW.headers'),
    `NOT (${looksLikeJson('NEW.headers', '{', '}')}) OR length(NEW.headers) > ${DEFAULT_LIMITS.headerBytes}`,
    `instr(NEW.headers, '\\u')`,
    ...REFUSED_HEADERS.map((name) => `${headersAsWritten} LIKE '%"${name}":%'`),
  ),
  reject(
    'tags must be a JSON array as text',
    isNoText('NEW.tags'),
    `NOT (${looksLikeJson('NEW.tags', '[', ']')}) OR length(NEW.tags) > 4096`,
  ),
  reject(
    'not_before, expires_at and max_retries are whole numbers (times in ms since 1970)',
    ...['not_before', 'expires_at', 'max_retries'].map((name) => isNoWholeNumber(`NEW.${name}`)),
    ...['not_before', 'expires_at'].map((name) => `NEW.${name} NOT BETWEEN 0 AND ${LAST_TIME}`),
    'NEW.max_retries NOT BETWEEN 0 AND 1000',
  ),
];

const laneOfNew = `(SELECT CASE
    WHEN target.lane_order = 'none' THEN NULL
    WHEN target.lane_order = 'strict' THEN 0
    WHEN NEW.entity_type IS NOT NULL THEN ${entityRef}
    WHEN NEW.not_before > ${SQL_NOW} THEN NULL
    ELSE 0 END FROM target WHERE target.id = ${chosenTarget})`;

/**
 * The item that this trigger just stored. The trigger holds the write lock, so nobody else can have stored one since.
 */
const newest = `(SELECT max(id) FROM item)`;
const newestIs = (elig: number): string => `ifnull((SELECT elig = ${elig} FROM item WHERE id = ${newest}), 0)`;

export const OUTBOX_TRIGGER = `
CREATE TRIGGER outbox_insert INSTEAD OF INSERT ON outbox
BEGIN
  ${CHECKS.join('\n  ')}
  INSERT INTO entity (type, key) SELECT NEW.entity_type, ${entityKey}
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
    nullif(NEW.content_type, 'application/json'), nullif(NEW.headers, '{}'), nullif(NEW.tags, '[]'),
    CAST(NEW.payload AS BLOB));
  UPDATE item SET elig = ${headElig('not_before IS NOT NULL')}
    WHERE id = ${newest} AND ${IS_HEAD};
  UPDATE tally SET pending = pending + 1, ready = ready + ${newestIs(ELIG.ready)},
      waiting = waiting + ${newestIs(ELIG.waiting)}, paused = paused + ${newestIs(ELIG.paused)}
    WHERE target_id = ${chosenTarget};
END;
`;
