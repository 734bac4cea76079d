/** `--columns` and `--sort` of `inspect`. */
import { nearestWord } from '../../core/check/nearest.js';
import type { ColumnName } from '../../render/list.js';
import { ITEM_COLUMNS } from '../../render/list.js';
import { refuseUsage } from '../program/usage.js';

export const COLUMN_NAMES = Object.keys(ITEM_COLUMNS) as ColumnName[];

/** `id,state,why` @throws {QueueError} code 'usage' */
export function columnsOf(text: string): ColumnName[] {
  return text.split(',').map((word) => columnOf('columns', word.trim()));
}

/** `stored` or `stored:desc` @throws {QueueError} code 'usage' */
export function sortOf(text: string): { column: ColumnName; descending: boolean } {
  const [word = '', direction = 'asc', ...rest] = text.split(':');
  if (rest.length > 0 || (direction !== 'asc' && direction !== 'desc')) {
    refuseUsage('--sort has no such direction', 'Write a column, or COLUMN:desc.');
  }
  return { column: columnOf('sort', word.trim()), descending: direction === 'desc' };
}

function columnOf(flag: string, word: string): ColumnName {
  const name = COLUMN_NAMES.find((known) => known === word.toLowerCase());
  if (name !== undefined) return name;
  const nearest = nearestWord(word, COLUMN_NAMES);
  return refuseUsage(
    `--${flag} names a column that there is not`,
    `${nearest === undefined ? '' : `Did you mean ${nearest}? `}Columns: ${COLUMN_NAMES.join(', ')}`,
  );
}
