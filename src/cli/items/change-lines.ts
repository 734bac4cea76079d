/** Prints what an edit changes in an item, sensitive values masked. */
import type { ItemDetail } from '../../core/index.js';
import type { ItemContent } from '../../core/nouns/people.js';
import type { SensitivePatterns } from '../../core/nouns/sensitive.js';
import { compileSensitive } from '../../core/privacy/sensitive.js';
import { diffJson } from '../../core/replay/json-diff.js';
import { oneLine } from '../../render/printable.js';

/** One line for each difference: `/phone: "47o9" -> "4799"`. */
export function changeLines(before: ItemDetail, after: ItemContent, sensitive: SensitivePatterns): string[] {
  const names = [...new Set([...Object.keys(before.headers), ...Object.keys(after.headers)])];
  return [
    line('path', before.path, after.path),
    line('content type', before.contentType, after.contentType),
    ...names.map((name) => line(`header ${name}`, before.headers[name], after.headers[name])),
    ...payloadLines(before.payload, after.payload, sensitive),
  ].filter((text) => text !== undefined);
}

function line(what: string, from: string | undefined, to: string | undefined): string | undefined {
  return from === to ? undefined : oneLine(`${what}: ${from ?? '(none)'} -> ${to ?? '(none)'}`);
}

function payloadLines(
  from: Uint8Array | undefined,
  to: Uint8Array | undefined,
  sensitive: SensitivePatterns,
): (string | undefined)[] {
  const before = parsed(from);
  const after = parsed(to);
  if (before === undefined || after === undefined) return [line('payload', bytesOf(from), bytesOf(to))];
  return diffJson(before.value, after.value, { ignore: compileSensitive([]), sensitive }).map(
    ({ path, original, replay }) =>
      line(
        path === '' ? 'payload' : path,
        original ?? '(none)',
        `${replay ?? '(none)'}${original === replay ? ' (changed)' : ''}`,
      ),
  );
}

function bytesOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '(none)' : `${bytes.length} bytes`;
}

function parsed(bytes: Uint8Array | undefined): { value: unknown } | undefined {
  if (bytes === undefined) return undefined;
  try {
    return { value: JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown };
  } catch {
    return undefined;
  }
}
