/** Reads `KEY=VALUE` of `target set` and `target add --set`: `retry.max=4`, `headers.X-Site=oslo`, `probe=`. */
import { refuseUsage } from '../program/usage.js';

export interface Setting {
  /** The key, split into members of the target's entry. */
  path: readonly string[];
  /** Undefined = remove the key. */
  value: unknown;
}

/** @throws {QueueError} code 'usage'; never shows the value, which may be a secret */
export function settingOf(text: string): Setting {
  const at = text.indexOf('=');
  const key = text.slice(0, Math.max(at, 0));
  const path = pathOf(key);
  if (path.some((part) => part === '' || part === '__proto__')) {
    refuseUsage('a setting is not KEY=VALUE', 'For example: retry.max=4. KEY= removes a setting. Keys: docs/config.md');
  }
  return { path, value: valueOf(text.slice(at + 1)) };
}

/** Names of headers may contain dots. */
function pathOf(key: string): string[] {
  const [first = '', ...rest] = key.split('.');
  return first === 'headers' && rest.length > 0 ? [first, rest.join('.')] : [first, ...rest];
}

/** JSON as it is, anything else as a string. */
function valueOf(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

type Entry = Readonly<Record<string, unknown>>;

/** The entry with the settings; an object that becomes empty is removed. */
export function withSettings(entry: Entry, settings: readonly Setting[]): Entry {
  return settings.reduce((changed, { path, value }) => withValue(changed, path, value) ?? {}, entry);
}

function withValue(entry: Entry, [name = '', ...rest]: readonly string[], value: unknown): Entry | undefined {
  const old = entry[name];
  const inner = typeof old === 'object' && old !== null && !Array.isArray(old) ? (old as Entry) : {};
  const next = rest.length === 0 ? value : withValue(inner, rest, value);
  const others = Object.entries(entry).filter(([key]) => key !== name || next !== undefined);
  const changed = Object.fromEntries(others.map(([key, kept]) => [key, key === name ? next : kept]));
  if (next !== undefined && !Object.hasOwn(changed, name)) changed[name] = next;
  return Object.keys(changed).length === 0 ? undefined : changed;
}
