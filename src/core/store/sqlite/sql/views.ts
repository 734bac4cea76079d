/** Views of the queue file for other programs, such as an app's user interface; part of the public format. */
import { STATES } from '../../../nouns/item.js';
import { COMPLETED, SENDING } from './codes.js';

const stateName = `CASE item.state ${STATES.map((name, code) => `WHEN ${String(code)} THEN '${name}'`).join(' ')} END`;

/** A migration creates this view again, with the same text. */
export const ITEMS_VIEW = `CREATE VIEW items AS
SELECT item.id, item.created_at, item.operation, entity.type AS entity_type, entity.key AS entity_id,
  target.name AS target, item.method, item.path, item.headers,
  CASE WHEN item.content_type IS NULL AND (item.payload IS NOT NULL OR item.payload_bytes IS NOT NULL)
    THEN 'application/json' ELSE item.content_type END AS content_type,
  ifnull(item.payload_bytes, length(item.payload)) AS payload_bytes, lower(hex(item.payload_sha256)) AS payload_sha256,
  item.payload, item.idempotency_key, ${stateName} AS state, item.not_before, item.expires_at,
  item.retry_count, item.max_retries, item.attempts, review_group.reason AS review_reason,
  ifnull(item.state_at, item.created_at) AS state_at,
  CASE WHEN item.state = ${String(COMPLETED)} THEN item.state_at END AS completed_at, item.tags,
  CASE WHEN item.state < ${String(COMPLETED)} THEN item.may_have_arrived END AS may_have_arrived
FROM item JOIN target ON target.id = item.target_id
LEFT JOIN entity ON entity.id = item.entity_id
LEFT JOIN review_group ON review_group.id = item.review_group`;

export const VIEWS = `
${ITEMS_VIEW};

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
