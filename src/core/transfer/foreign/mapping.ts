/** Mappings: how a table of another program's queue is read as items. Their reader, and the built-in one. */
import { list, object, oneOf, record, refine, string, type Place, type Reader } from '../../check/readers.js';
import { isQueueError, QueueError } from '../../nouns/errors.js';
import type { Expression } from './template.js';

/** Fields of an item that a mapping may give. */
export type MappedField =
  | 'target'
  | 'method'
  | 'path'
  | 'entity'
  | 'operation'
  | 'payload'
  | 'contentType'
  | 'createdAt'
  | 'retryCount'
  | 'lastError'
  | 'lastAttemptAt'
  | 'idempotencyKey';

export interface Mapping {
  /** The table; `--table` wins. */
  table: string | undefined;
  /** Columns to sort by, the most significant first; `a|b` = the first that the table has. */
  order: readonly string[];
  /** Identifies a row, also in a later import. */
  key: string;
  /** Unit of numbers in time columns. `auto` tells by their size. */
  timeUnit: 'auto' | 's' | 'ms' | 'us';
  /** Rows to leave out: those where `from` gives one of `values`. */
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

const template: Reader<Expression> = (value, at) => (typeof value === 'string' ? value : choice(value, at));
const choice = object(
  {
    from: string,
    map: refine(
      record(() => undefined, string),
      (map) => Object.fromEntries(map),
    ),
    default: string,
  },
  ['from'],
);

const mapping = object(
  {
    $schema: (value) => value,
    table: string,
    order: list(string, 0),
    key: string,
    timeUnit: oneOf('auto', 's', 'ms', 'us'),
    skip: object({ from: string, values: list(string, 0) }, ['from', 'values']),
    fields: object(
      {
        target: template,
        method: template,
        path: template,
        entity: template,
        operation: template,
        payload: template,
        contentType: template,
        createdAt: template,
        retryCount: template,
        lastError: template,
        lastAttemptAt: template,
        idempotencyKey: template,
      } satisfies Record<MappedField, Reader<Expression>>,
      ['method', 'path'],
    ),
  },
  ['key', 'fields'],
);

const PLACE: Place = { path: 'mapping', key: 'mapping', baseDir: '', source: undefined, isArgument: true };

/** Reads the text of a mapping. @throws {QueueError} code 'usage'; names the member that is wrong */
export function parseMapping(text: string): Mapping {
  try {
    const { table, order = [], key, timeUnit = 'auto', skip, fields } = mapping(JSON.parse(text), PLACE);
    return { table, order, key, timeUnit, skip, fields };
  } catch (error) {
    if (error instanceof SyntaxError) return refuse('the mapping is not valid JSON');
    if (isQueueError(error)) return refuse(error.message);
    throw error;
  }
}

function refuse(message: string): never {
  throw new QueueError('usage', `${message}; nothing was stored`, { hint: 'docs/transfer.md shows a mapping' });
}
