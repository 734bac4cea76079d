/** Which target an item goes to: the one named, the one whose base URL holds an absolute URL, or the default. */
import { QueueError } from '../nouns/errors.js';
import type { TargetConfig } from '../nouns/target.js';
import { checkPath, isAbsoluteUrl, remainder, splitUrl } from './path.js';
import { refuse } from '../check/refuse.js';
import { quoted } from '../check/text.js';

/** What the queue file knows of a target that the config does not name. */
export interface KnownTarget {
  /** Set when it was made from an absolute URL. */
  implicitBaseUrl: string | undefined;
}

export interface TargetChoices {
  /** Configured targets by name. */
  targets: ReadonlyMap<string, TargetConfig>;
  /** Undefined = the only configured target, if there is just one. */
  defaultTarget: string | undefined;
  /** Targets that only the queue file knows. */
  knownTarget?: ((name: string) => KnownTarget | undefined) | undefined;
}

export interface Destination {
  target: string;
  path: string;
  implicitBaseUrl: string | undefined;
  /** Undefined for an implicit target and for one that only the queue file knows. */
  config: TargetConfig | undefined;
}

/**
 * Finds the target of a path or absolute URL and the path relative to it. An absolute URL goes to the target with the
 * longest base URL it lies under; of equals to the default target; else to an implicit target named by its origin.
 *
 * @throws {QueueError} code 'unknown-target', 'no-target', 'bad-item' or 'too-large'
 */
export function chooseTarget(
  pathOrUrl: string,
  name: string | undefined,
  choices: TargetChoices,
  maxBytes: number,
): Destination {
  if (isAbsoluteUrl(pathOrUrl)) return placeUrl(pathOrUrl, name, choices, maxBytes);
  const path = checkPath(pathOrUrl, maxBytes);
  const target = name ?? defaultTarget(choices);
  if (target === undefined) {
    throw new QueueError('no-target', 'no target is named, and the config has no default', {
      hint:
        choices.targets.size === 0
          ? 'add one: syncq target add NAME URL'
          : 'name one with --target, or set "defaultTarget" in the config',
    });
  }
  return named(target, path, choices);
}

/** The target that a relative path goes to when none is named. */
export function defaultTarget(choices: TargetChoices): string | undefined {
  if (choices.defaultTarget !== undefined) return choices.defaultTarget;
  return choices.targets.size === 1 ? [...choices.targets.keys()][0] : undefined;
}

/**
 * The target that an absolute URL lies under, or the implicit one named by its origin.
 *
 * @throws {QueueError} code 'bad-item' or 'too-large'
 */
export function splitAbsoluteUrl(text: string, choices: TargetChoices, maxBytes: number): Destination {
  const { origin, rest, isSafe } = splitUrl(text, maxBytes);
  const checked = checkPath(rest, maxBytes);
  let best: { config: TargetConfig; path: string; length: number } | undefined;
  let twin: string | undefined;
  for (const config of choices.targets.values()) {
    const path = pathUnder(config.baseUrl, origin, checked);
    if (path === undefined) continue;
    const length = checked.length - path.length;
    if (best === undefined || length > best.length) {
      best = { config, path, length };
      twin = undefined;
    } else if (length === best.length && best.config.name !== choices.defaultTarget) {
      if (config.name === choices.defaultTarget) {
        best = { config, path, length };
        twin = undefined;
      } else {
        twin = config.name;
      }
    }
  }
  if (best === undefined) return implicit(origin, checked, isSafe);
  if (twin !== undefined) {
    refuse('url', `lies under two targets, ${quoted(best.config.name)} and ${quoted(twin)}`, 'name one with --target');
  }
  return { target: best.config.name, path: best.path, implicitBaseUrl: undefined, config: best.config };
}

function placeUrl(text: string, name: string | undefined, choices: TargetChoices, maxBytes: number): Destination {
  if (name === undefined) return splitAbsoluteUrl(text, choices, maxBytes);
  const { origin, rest } = splitUrl(text, maxBytes);
  const place = named(name, '', choices);
  const baseUrl = place.config?.baseUrl ?? place.implicitBaseUrl;
  if (baseUrl === undefined) {
    return refuse(
      'url',
      `cannot be placed under ${quoted(name)}, which the config does not name`,
      'give the path alone',
    );
  }
  const path = pathUnder(baseUrl, origin, checkPath(rest, maxBytes));
  if (path === undefined) {
    return refuse(
      'url',
      `does not lie under the base URL of the target ${quoted(name)}`,
      'leave --target out, or give the path alone',
    );
  }
  return { ...place, path };
}

function named(name: string, path: string, choices: TargetChoices): Destination {
  const config = choices.targets.get(name);
  if (config !== undefined) return { target: name, path, implicitBaseUrl: undefined, config };
  const known = choices.knownTarget?.(name);
  if (known !== undefined) return { target: name, path, implicitBaseUrl: known.implicitBaseUrl, config: undefined };
  if (isAbsoluteUrl(name)) {
    const { origin, isSafe } = splitUrl(name, name.length);
    if (origin === name) return implicit(origin, path, isSafe);
  }
  const names = [...choices.targets.keys()];
  throw new QueueError('unknown-target', `there is no target ${quoted(name)}`, {
    hint: names.length === 0 ? 'add it: syncq target add NAME URL' : `the config names ${names.join(', ')}`,
  });
}

/** A target named by its origin: it never gets a credential, and plain http only on this machine. */
function implicit(origin: string, path: string, isSafe: boolean): Destination {
  if (!isSafe) {
    refuse(
      'url',
      'is plain http to another machine, and no target in the config allows that',
      'use https, or add a target with "insecureHttp": true',
    );
  }
  return { target: origin, path, implicitBaseUrl: origin, config: undefined };
}

function pathUnder(baseUrl: string, origin: string, rest: string): string | undefined {
  const base = new URL(baseUrl);
  if (base.origin !== origin) return undefined;
  const path = remainder(rest, base.pathname.replace(/\/$/, ''));
  // Below `https://host/v1`, `/v1//x` leaves `//x`, which would name a host of its own.
  return path?.startsWith('//') === true ? undefined : path;
}
