/** Works out the new content of an item from what a person wants to change, and checks it as at enqueue. Pure. */
import { Buffer } from 'node:buffer';

import type { Limits } from '../nouns/config.js';
import { QueueError } from '../nouns/errors.js';
import { checkHeaders } from './headers.js';
import { checkPath, isAbsoluteUrl } from './path.js';
import { checkPayload } from './payload.js';
import { isJsonContentType } from './content-type.js';
import type { ItemDetail } from '../nouns/item.js';
import type { Edit, ItemContent } from '../nouns/people.js';
import { changeJson, type JsonChange, type JsonChanged } from '../json/json-edit.js';

/** What to change. A field that is left out stays as it is. */
export interface ItemEdits {
  /** Changes within a JSON payload. */
  json?: readonly JsonChange[] | undefined;
  /** A new payload in place of the old one. */
  payload?: Uint8Array | undefined;
  contentType?: string | undefined;
  /** Headers to set. */
  headers?: readonly (readonly [string, string])[] | undefined;
  /** Names of headers to remove. */
  removeHeaders?: readonly string[] | undefined;
  path?: string | undefined;
}

interface EditRules {
  limits: Limits;
  idempotencyHeader: string;
  encodedSlash: boolean;
}

export interface Edited {
  edit: Edit;
  /** True when nothing differs from what is stored. */
  same: boolean;
  kinds: JsonChanged['kinds'];
}

/** @throws {QueueError} code 'bad-item' or 'too-large'; names fields and pointers, never values */
export function editItem(
  item: ItemDetail,
  edits: ItemEdits,
  { limits, idempotencyHeader, encodedSlash }: EditRules,
): Edited {
  if (item.payloadGone) {
    refuse(`the payload of item ${item.id} was removed, so it cannot be edited`);
  }
  const path = edits.path === undefined ? item.path : checkEditedPath(edits.path, limits, encodedSlash);
  const checked = checkHeaders(headersOf(item, edits), { maxBytes: limits.headerBytes, idempotencyHeader });
  const json = jsonOf(item, edits, limits);
  const bytes = edits.payload ?? json?.bytes ?? item.payload;
  const given = bytes === undefined ? undefined : { kind: 'bytes' as const, bytes };
  const body = checkPayload(given, edits.contentType ?? checked.contentType ?? item.contentType, limits);
  if (body !== undefined && (item.method === 'GET' || item.method === 'HEAD')) {
    refuse(`payload cannot be sent with ${item.method}`);
  }
  const content: ItemContent = { path, headers: checked.headers, contentType: body?.contentType, payload: body?.bytes };
  const fields = fieldsOf(item, edits, content);
  return { edit: { revision: item.revision, content, fields }, same: fields.length === 0, kinds: json?.kinds ?? [] };
}

function checkEditedPath(path: string, limits: Limits, encodedSlash: boolean): string {
  if (isAbsoluteUrl(path)) {
    const hint = 'Give a path below the base URL of its target, or discard the item and enqueue another.';
    refuse('an edit may not send an item to another target', hint);
  }
  return checkPath(path, limits.pathBytes, encodedSlash);
}

function headersOf(item: ItemDetail, edits: ItemEdits): [string, string][] {
  const gone = new Set((edits.removeHeaders ?? []).map((name) => name.toLowerCase()));
  const names = new Set(Object.keys(item.headers).map((name) => name.toLowerCase()));
  for (const name of gone) {
    if (names.has(name)) continue;
    const hint = names.size === 0 ? 'It has none of its own.' : `It has: ${[...names].join(', ')}.`;
    refuse(`item ${item.id} has no header ${name}`, hint);
  }
  const set = (edits.headers ?? []).map(([name, value]): [string, string] => [name, value]);
  for (const [name] of set) gone.add(name.toLowerCase());
  return [...Object.entries(item.headers).filter(([name]) => !gone.has(name.toLowerCase())), ...set];
}

function jsonOf(item: ItemDetail, { json }: ItemEdits, limits: Limits): JsonChanged | undefined {
  if (json === undefined || json.length === 0) return undefined;
  if (item.payload === undefined || !isJsonContentType(item.contentType ?? '')) {
    refuse(`item ${item.id} has no JSON payload, so no value of it can be set`);
  }
  return changeJson(item.payload, json, limits.jsonDepth);
}

/** The names of what differs: `path`, `header x-a`, `contentType`, `payload`, or the JSON Pointers that were changed. */
function fieldsOf(item: ItemDetail, edits: ItemEdits, content: ItemContent): string[] {
  const names = new Set([...Object.keys(item.headers), ...Object.keys(content.headers)]);
  const headers = [...names]
    .filter((name) => item.headers[name] !== content.headers[name])
    .map((name) => `header ${name}`);
  const same = sameBytes(item.payload, content.payload);
  const pointers = (edits.json ?? []).map(({ pointer }) => (pointer === '' ? 'payload' : pointer));
  return [
    ...(item.path === content.path ? [] : ['path']),
    ...headers,
    ...(item.contentType === content.contentType ? [] : ['contentType']),
    ...(same ? [] : pointers.length > 0 ? [...new Set(pointers)] : ['payload']),
  ];
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Buffer.compare(a, b) === 0;
}

function refuse(problem: string, hint?: string): never {
  throw new QueueError('bad-item', `${problem}; nothing was changed`, { hint });
}
