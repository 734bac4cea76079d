/** Turns a row of another program's queue into an item, checked like any new write, with its retry count and last error. */
import { QueueError, isQueueError } from '../../nouns/errors.js';
import { sha256Hex } from '../../input/content-digest.js';
import { checkDraft, type Draft, type DraftContext } from '../../input/draft.js';
import { derivedKey } from '../../input/key.js';
import { parseIsoTime } from '../../input/time.js';
import type { Attempt, NewItem } from '../../nouns/item.js';
import { cleanLine } from '../../send/clean-text.js';
import type { ArchivedItem } from '../../store/archive.js';
import { LAST_CLOCK_TIME } from '../fields.js';
import type { MappedField, Mapping } from './mapping.js';
import { cellText, compile, type Cell, type CellReader, type Row } from './template.js';

const LONGEST_MESSAGE = 500;

export interface FoundRow {
  item: ArchivedItem;
  implicitBaseUrl: string | undefined;
}

/**
 * Compiles a mapping into a reader of rows, which returns undefined for a row that the mapping skips.
 *
 * @param namespace what derived keys start from: the queue and the table
 * @throws {QueueError} code 'usage' for columns that the table does not have; the reader: bad-item, without the row's number
 */
export function rowReader(
  mapping: Mapping,
  columns: readonly string[],
  context: DraftContext,
  namespace: string,
): (row: Row) => FoundRow | undefined {
  const readers = new Map<MappedField, CellReader>();
  for (const [name, expression] of Object.entries(mapping.fields)) {
    readers.set(name as MappedField, compile(name, expression, columns, name === 'path' ? encodeSegment : undefined));
  }
  const key = compile('key', mapping.key, columns);
  const skip = mapping.skip === undefined ? undefined : compile('skip', mapping.skip.from, columns);
  return (row) => {
    const skipped = skip?.(row);
    if (skipped !== undefined && mapping.skip?.values.includes(cellText(skipped)) === true) return undefined;
    const value: Value = (name) => readers.get(name)?.(row);
    const rowKey = key(row);
    if (rowKey === undefined)
      throw new QueueError('bad-item', 'nothing tells it from other rows: a column of "key" is null');
    const written = checkDraft(draftOf(value, `${namespace}/${cellText(rowKey)}`), context);
    return { item: itemOf(written, value, mapping.timeUnit, context.now), implicitBaseUrl: written.implicitBaseUrl };
  };
}

/** Percent-encodes what a path cannot hold, and what would end its segment. */
function encodeSegment(text: string): string {
  return encodeURIComponent(text).replaceAll("'", '%27');
}

type Value = (name: MappedField) => Cell | undefined;

function draftOf(value: Value, keySource: string): Draft {
  const text = (name: MappedField): string | undefined => {
    const cell = value(name);
    return cell === undefined || cellText(cell) === '' ? undefined : cellText(cell);
  };
  const payload = bytesOf(value('payload'));
  return {
    method: text('method') ?? '',
    path: text('path'),
    target: text('target'),
    entity: text('entity'),
    operation: text('operation'),
    contentType: payload === undefined ? undefined : text('contentType'),
    payload: payload === undefined ? undefined : { kind: 'bytes', bytes: payload },
    idempotencyKey: text('idempotencyKey') ?? derivedKey(keySource),
  };
}

/** Null and empty text mean no payload. */
function bytesOf(cell: Cell | undefined): Uint8Array | undefined {
  if (cell === undefined || cell === null || cell === '') return undefined;
  return cell instanceof Uint8Array ? cell : Buffer.from(String(cell), 'utf8');
}

function itemOf(written: NewItem, value: Value, unit: Mapping['timeUnit'], now: number): ArchivedItem {
  const createdAt = timeOf('createdAt', value('createdAt'), unit) ?? now;
  const retryCount = countOf(value('retryCount'));
  const attempts = pastOf(
    value('lastError'),
    retryCount,
    timeOf('lastAttemptAt', value('lastAttemptAt'), unit) ?? createdAt,
  );
  const { payload } = written;
  return {
    ...written,
    // Rows keep their order; the queue assigns ids.
    id: 0,
    createdAt,
    idempotencyKey: written.idempotencyKey ?? '',
    payloadBytes: payload?.length,
    payloadSha256: payload === undefined ? undefined : sha256Hex(payload),
    state: 'pending',
    ownLane: false,
    notBefore: undefined,
    askedAt: undefined,
    expiresAt: undefined,
    retryCount,
    attemptCount: attempts.length,
    stateAt: createdAt,
    review: undefined,
    revision: 0,
    mayHaveArrived: undefined,
    attempts,
    revisions: [],
    history: [],
  };
}

/** The one attempt that the other program remembers: how the last one failed. */
function pastOf(lastError: Cell | undefined, retryCount: number, at: number): Attempt[] {
  // Only shown, so a byte that is not UTF-8 does not refuse the row.
  const text = lastError instanceof Uint8Array ? Buffer.from(lastError).toString('utf8') : cellText(lastError ?? null);
  const message = cleanLine(text, LONGEST_MESSAGE);
  if (message === '') return [];
  const status = /\b([45]\d\d)\b/.exec(message)?.[1];
  return [
    {
      number: 1,
      startedAt: at,
      durationMs: 0,
      outcome: 'transient',
      status: status === undefined ? undefined : Number(status),
      message,
      counted: retryCount > 0,
      runner: 'another program, before the import',
      url: undefined,
      idempotencyKey: undefined,
      response: undefined,
    },
  ];
}

function countOf(cell: Cell | undefined): number {
  if (cell === undefined || cell === null || cell === '') return 0;
  const text = cellText(cell);
  if (/^\d{1,9}(?:\.0+)?$/.test(text)) return Number(text);
  throw new QueueError('bad-item', 'retryCount is not a whole number');
}

const FACTORS: Record<Exclude<Mapping['timeUnit'], 'auto'>, number> = { s: 1000, ms: 1, us: 0.001 };

/** Epoch ms of a number by its unit, or by its size (seconds reach 12 digits in the year 5138), or of ISO 8601, UTC by default. */
function timeOf(field: string, cell: Cell | undefined, unit: Mapping['timeUnit']): number | undefined {
  if (cell === undefined || cell === null || cell === '') return undefined;
  const text = cellText(cell).trim();
  if (/^\d+(?:\.\d+)?$/.test(text)) {
    const number = Number(text);
    const found = unit !== 'auto' ? unit : number < 1e11 ? 's' : number < 1e14 ? 'ms' : 'us';
    const at = Math.round(number * FACTORS[found]);
    if (at <= LAST_CLOCK_TIME) return at;
  }
  const iso = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?$/.test(text) ? `${text.replace(' ', 'T')}Z` : text;
  try {
    const at = parseIsoTime(iso);
    if (at !== undefined) return at;
  } catch (error) {
    if (!isQueueError(error)) throw error;
  }
  throw new QueueError('bad-item', `${field} is not a time`);
}
