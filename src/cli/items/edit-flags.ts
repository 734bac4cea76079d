/** Turns the flags of `edit` into changes of an item. */
import type { ItemEdits, JsonChange } from '../../core/index.js';
import { parseHeaderFlag } from '../../core/input/headers.js';
import { parsePointer, valueText } from '../../core/json/json-edit.js';
import { readData } from './data-flag.js';
import { inFlag } from './filters.js';
import { refuseUsage } from '../program/usage.js';

export interface EditFlags {
  set?: string[] | undefined;
  unset?: string[] | undefined;
  data?: string | undefined;
  'content-type'?: string | undefined;
  header?: string[] | undefined;
  'remove-header'?: string[] | undefined;
  path?: string | undefined;
}

/**
 * Undefined when no flag says what to change.
 *
 * @param mostBytes of a payload
 * @throws {QueueError} code 'usage'
 */
export async function editsOf(
  flags: EditFlags,
  mostBytes: number,
  stdin: AsyncIterable<Uint8Array>,
): Promise<ItemEdits | undefined> {
  const json: JsonChange[] = [
    ...(flags.set ?? []).map((text) => inFlag('set', () => settingOf(text))),
    ...(flags.unset ?? []).map((pointer) =>
      inFlag('unset', () => ({ op: 'unset' as const, pointer: checked(pointer) })),
    ),
  ];
  const edits: ItemEdits = {
    ...(json.length === 0 ? {} : { json }),
    ...(flags.data === undefined ? {} : { payload: await payloadOf(flags.data, mostBytes, stdin) }),
    ...(flags['content-type'] === undefined ? {} : { contentType: flags['content-type'] }),
    ...(flags.header === undefined
      ? {}
      : { headers: flags.header.map((text) => inFlag('header', () => parseHeaderFlag(text))) }),
    ...(flags['remove-header'] === undefined ? {} : { removeHeaders: flags['remove-header'] }),
    ...(flags.path === undefined ? {} : { path: flags.path }),
  };
  return Object.keys(edits).length === 0 ? undefined : edits;
}

/** `/pointer=VALUE`, split at the first `=`. */
function settingOf(text: string): JsonChange {
  const equals = text.indexOf('=');
  if (equals < 0) refuseUsage('there is no = in it', 'Write --set /pointer=VALUE.');
  return { op: 'set', pointer: checked(text.slice(0, equals)), value: valueText(text.slice(equals + 1)) };
}

function checked(pointer: string): string {
  parsePointer(pointer);
  return pointer;
}

async function payloadOf(data: string, mostBytes: number, stdin: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const given = await readData(data, mostBytes, stdin);
  return typeof given === 'string' ? Buffer.from(given) : given;
}
