/** Edits the config file: adds, changes, renames or removes a target. A crash leaves either the old file or the new one. */
import fs from 'node:fs';
import path from 'node:path';
import { parseConfig } from '../../core/config/validate.js';
import { AtomicFile } from '../../core/files/atomic-file.js';
import { makeDirectory } from '../../core/files/directory.js';
import { fileFailure } from '../../core/files/file-failure.js';
import { QueueError } from '../../core/nouns/errors.js';
import type { ConfigLookup } from '../queue/config-file.js';
import { configPlaces, parseText } from '../queue/config-file.js';
import { ownDirectory } from '../program/home.js';
import { isThere, readTrustedFile } from '../program/trusted-file.js';
import { withSettings, type Setting } from './settings.js';

/** A secret as the config spells it. */
export type SecretEntry = { env: string } | { file: string } | { command: readonly string[] };

/** A target as the config spells it; the keys that `target add` has flags for. */
export interface TargetEntry {
  [key: string]: unknown;
  baseUrl: string;
  auth?:
    | { bearer: SecretEntry }
    | { basic: { user: string; password: SecretEntry } }
    | { header: { name: string; value: SecretEntry } };
  probe?: { method?: 'HEAD' | 'GET' | 'OPTIONS'; path: string };
  insecureHttp?: boolean;
  production?: boolean;
}

export interface ConfigEdit {
  /** The file that was written; for a link, the file it points to. */
  path: string;
  /** True when it did not exist before. */
  created: boolean;
  /** The new default target; undefined = none. */
  defaultTarget: string | undefined;
}

/** The file that an edit changes: the first that exists, else the named one, else `config.json` in the config directory. */
export function configPathForEdit(lookup: ConfigLookup): string {
  const places = configPlaces(lookup);
  const last = places[places.length - 1];
  const found = places.find((place) => isThere(place.path));
  return (found ?? last)?.path ?? path.join(ownDirectory(lookup.configDir, 'CONFIG', lookup.env), 'config.json');
}

/**
 * Adds a target. A single target is the default, so before a second one is added, the first becomes `defaultTarget`,
 * unless `makeDefault` is set.
 *
 * @throws {QueueError} `bad-config` (the old file or the result), `usage` (the name is taken), `unwritable`
 */
export function addTargetToConfig(
  file: string,
  name: string,
  entry: TargetEntry,
  options: { makeDefault?: boolean } = {},
): ConfigEdit {
  return editConfig(file, (document) => {
    const targets = (document['targets'] ?? {}) as JsonObject;
    const names = Object.keys(targets);
    if (Object.hasOwn(targets, name)) {
      const hint = `Choose another name, or change it in ${file}.`;
      throw new QueueError('usage', `there is a target ${name} already; nothing was changed`, { hint });
    }
    const becomes = options.makeDefault === true ? name : (document['defaultTarget'] ?? onlyOne(names));
    // The default comes first, where readers look for it.
    const head = becomes === undefined ? {} : { defaultTarget: becomes };
    return { ...withSchemaFirst(document, head), targets: { ...targets, [name]: entry } };
  });
}

/**
 * Renames a target in its place, also in `defaultTarget`. The queue's own row is renamed elsewhere.
 *
 * @throws {QueueError} `unknown-target`, `usage` (the new name is taken), `bad-config`, `unwritable`
 */
export function renameTargetInConfig(file: string, from: string, to: string): ConfigEdit {
  return editConfig(file, (document) => {
    const targets = targetsWith(document, from, file);
    if (Object.hasOwn(targets, to)) {
      throw new QueueError('usage', `there is a target ${to} already; nothing was changed`, {
        hint: 'Choose another name.',
      });
    }
    const renamed = Object.entries(targets).map(([name, entry]) => [name === from ? to : name, entry] as const);
    const isDefault = document['defaultTarget'] === from;
    return { ...document, ...(isDefault && { defaultTarget: to }), targets: Object.fromEntries(renamed) };
  });
}

/** Changes settings of a target. @throws {QueueError} `unknown-target`, `bad-config`, `unwritable` */
export function setInConfig(file: string, name: string, settings: readonly Setting[]): ConfigEdit {
  return editConfig(file, (document) => {
    const targets = targetsWith(document, name, file);
    return { ...document, targets: { ...targets, [name]: withSettings(targets[name] as JsonObject, settings) } };
  });
}

/** Removes a target, also as `defaultTarget`. @throws {QueueError} `unknown-target`, `bad-config`, `unwritable` */
export function removeTargetFromConfig(file: string, name: string): ConfigEdit {
  return editConfig(file, (document) => {
    const { [name]: _removed, ...targets } = targetsWith(document, name, file);
    const { defaultTarget, ...others } = document;
    return { ...(defaultTarget === name ? others : document), targets };
  });
}

type JsonObject = Record<string, unknown>;

/** The targets of the document, `name` among them. */
function targetsWith(document: JsonObject, name: string, file: string): JsonObject {
  const targets = (document['targets'] ?? {}) as JsonObject;
  if (Object.hasOwn(targets, name)) return targets;
  const hint = `Known: ${Object.keys(targets).join(', ') || 'none'}.`;
  throw new QueueError('unknown-target', `there is no target ${name} in ${file}`, { hint });
}

function onlyOne(names: readonly string[]): string | undefined {
  return names.length === 1 ? names[0] : undefined;
}

/** `$schema`, then `head`, then the rest in its order; a key of `head` that is already there keeps its place. */
function withSchemaFirst(document: JsonObject, head: JsonObject): JsonObject {
  const schema = Object.hasOwn(document, '$schema') ? { $schema: document['$schema'] } : {};
  const fresh = Object.keys(head).some((key) => !Object.hasOwn(document, key));
  return fresh ? { ...schema, ...head, ...document } : { ...document, ...head };
}

/** Reads, changes and validates the file, and replaces it if it has not changed meanwhile. */
function editConfig(file: string, change: (document: JsonObject) => JsonObject): ConfigEdit {
  const before = readTrustedFile(file);
  // A link stays a link; the file it points to is replaced (people keep their config under version control that way).
  const target = before === undefined ? file : fs.realpathSync(file);
  const options = { source: file, baseDir: path.dirname(file) };
  const document = before === undefined ? {} : parseText({ path: file, text: before });
  // Only a valid document is edited, so its shape is known.
  parseConfig(document, options);
  const changed = change(document as JsonObject);
  const config = checkedResult(() => parseConfig(changed, options));
  writeAtomically(target, `${JSON.stringify(changed, null, 2)}\n`, () => {
    if (readTrustedFile(file) === before) return;
    throw new QueueError('busy', `${file} was changed by somebody else just now; it is as they left it`, {
      hint: 'Run the command again.',
    });
  });
  return { path: target, created: before === undefined, defaultTarget: config.defaultTarget };
}

/** The file itself is fine: the advice to mend it would mislead. */
function checkedResult<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof QueueError)) throw error;
    throw new QueueError(error.code, `${error.message}; nothing was changed`, { hint: 'Settings: docs/config.md' });
  }
}

/**
 * Replaces `file` with `text`: a crash leaves the old file or the new one. Keeps the file's mode; a new file gets 0600.
 */
function writeAtomically(file: string, text: string, lastCheck: () => void): void {
  let mode: number | undefined;
  try {
    makeDirectory(path.dirname(file));
    mode = fs.statSync(file, { throwIfNoEntry: false })?.mode;
  } catch (error) {
    throw fileFailure(error, file);
  }
  const out = new AtomicFile(file, (mode ?? 0o600) & 0o777);
  try {
    out.write(text);
    out.commit(lastCheck);
  } finally {
    out.discard();
  }
}
