/** Mappings: how a table of another program's queue is read as items. What they may say, and the ready one. */
import { QueueError } from '../../nouns/errors.js';
import { isQueueError } from '../../nouns/errors.js';
import { Fields } from '../fields.js';
import type { Expression } from './template.js';

/** Fields of an item that a mapping may give. */
export const MAPPED_FIELDS = [
  'target',
  'method',
  'path',
  'entity',
  'operation',
  'payload',
  'contentType',
  'createdAt',
  'retryCount',
  'lastError',
  'lastAttemptAt',
  'idempotencyKey',
] as const;
export type MappedField = (typeof MAPPED_FIELDS)[number];

export const TIME_UNITS = ['auto', 's', 'ms', 'us'] as const;
export type TimeUnit = (typeof TIME_UNITS)[number];

export interface Mapping {
  /** The table; `--table` wins. */
  table: string | undefined;
  /** Columns that give the order, first wins; `a|b` = the first that is there. */
  order: readonly string[];
  /** What tells a row from all others, also when it is imported again later. */
  key: string;
  /** What a number in a time column counts. `auto` tells by its size. */
  timeUnit: TimeUnit;
  /** Rows that are not work any more. */
  skip: { from: string; values: readonly string[] } | undefined;
  fields: Readonly<Partial<Record<MappedField, Expression>>>;
}

/** The queue table that mobile apps keep beside their data: one row per write, with its own retry count. */
const MOBILE_SYNC_QUEUE: Mapping = {
  table: 'sync_queue',
  order: ['timestamp|created_at|createdAt', 'id|_id|uuid|local_id'],
  key: '{id|_id|uuid|local_id}/{timestamp|created_at|createdAt}',
  timeUnit: 'auto',
  skip: undefined,
  fields: {
    method: {
      from: '{operation_type|operation|type|action}',
      map: {
        create: 'POST',
        insert: 'POST',
        post: 'POST',
        update: 'PUT',
        put: 'PUT',
        patch: 'PATCH',
        delete: 'DELETE',
        remove: 'DELETE',
      },
    },
    path: {
      from: '{operation_type|operation|type|action}',
      map: {
        create: '/{entity_type|entity|table_name}',
        insert: '/{entity_type|entity|table_name}',
        post: '/{entity_type|entity|table_name}',
      },
      default: '/{entity_type|entity|table_name}/{entity_id|record_id}',
    },
    entity: '{entity_type|entity|table_name}/{entity_id|record_id}',
    payload: '{payload|data|body}',
    createdAt: '{timestamp|created_at|createdAt}',
    retryCount: '{retry_count|retries|attempts}',
    lastError: '{last_error|error|error_message}',
  },
};

export const READY_MAPPINGS: ReadonlyMap<string, Mapping> = new Map([['mobile-sync-queue', MOBILE_SYNC_QUEUE]]);

/** @throws {QueueError} code 'usage'; names the member that is wrong */
export function parseMapping(text: string): Mapping {
  try {
    return readMapping(new Fields(JSON.parse(text), 'the mapping'));
  } catch (error) {
    if (error instanceof SyntaxError) return refuse('the mapping is not valid JSON');
    if (isQueueError(error)) return refuse(error.message);
    throw error;
  }
}

const MEMBERS = ['$schema', 'table', 'order', 'key', 'timeUnit', 'skip', 'fields'];

function readMapping(fields: Fields): Mapping {
  const unknown = fields.names().find((name) => !MEMBERS.includes(name));
  if (unknown !== undefined)
    refuse(`the mapping has an unknown member ${unknown}; known: ${MEMBERS.slice(1).join(', ')}`);
  const skip = fields.optional('skip') === undefined ? undefined : new Fields(fields.optional('skip'), 'skip');
  return {
    table: fields.optionalText('table'),
    order: fields.list('order', textOf('order')),
    key: fields.text('key'),
    timeUnit: fields.optional('timeUnit') === undefined ? 'auto' : fields.oneOf('timeUnit', TIME_UNITS),
    skip: skip === undefined ? undefined : { from: skip.text('from'), values: skip.list('values', textOf('skip')) },
    fields: readFields(fields.record('fields')),
  };
}

function readFields(given: Record<string, unknown>): Mapping['fields'] {
  const known: readonly string[] = MAPPED_FIELDS;
  const result: Partial<Record<MappedField, Expression>> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!known.includes(name)) refuse(`the mapping has an unknown field ${name}; known: ${known.join(', ')}`);
    result[name as MappedField] = typeof value === 'string' ? value : readExpression(new Fields(value, name));
  }
  if (result.method === undefined || result.path === undefined) refuse('the mapping gives no method or no path');
  return result;
}

function readExpression(fields: Fields): Expression {
  const map = fields.optional('map') === undefined ? undefined : fields.texts('map');
  const otherwise = fields.optionalText('default');
  return {
    from: fields.text('from'),
    ...(map === undefined ? {} : { map }),
    ...(otherwise === undefined ? {} : { default: otherwise }),
  };
}

function textOf(name: string): (value: unknown) => string {
  return (value) => (typeof value === 'string' ? value : refuse(`${name} holds something else than text`));
}

function refuse(message: string): never {
  throw new QueueError('usage', `${message}; nothing was stored`, { hint: 'docs/transfer.md shows a mapping' });
}
