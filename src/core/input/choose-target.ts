/** Chooses the target of an item: the named one, the one whose base URL an absolute URL lies under, or the default. */
import { QueueError } from '../nouns/errors.js';
import type { TargetConfig } from '../nouns/target.js';
import { checkPath, isAbsoluteUrl, remainder, splitUrl } from './path.js';
import { refuse } from '../check/refuse.js';
import { quoted } from '../check/text.js';

/** A target that the queue file knows and the config does not. */
export interface KnownTarget {
  /** Set when the target was made from an absolute URL. */
  implicitBaseUrl: string | undefined;
}

export interface TargetChoices {
  /** Configured targets by name. */
  targets: ReadonlyMap<string, TargetConfig>;
  /** Undefined = the only configured target, if there is just one. */
  defaultTarget: string | undefined;
  /** Looks up targets that only the queue file knows. */
  knownTarget?: ((name: string) => KnownTarget | undefined) | undefined;
}

interface Destination {
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
  const target = name ?? defaultTarget(choices);
  if (target === undefined) {
    checkPath(pathOrUrl, maxBytes);
    throw new QueueError('no-target', 'no target is named, and the config has no default', {
      hint:
        choices.targets.size === 0
          ? 'add one: syncq target add NAME URL'
          : 'name one with --target, or set "defaultTarget" in the config',
    });
  }
  const place = named(target, pathOrUrl, choices);
  checkPath(pathOrUrl, maxBytes, place.config?.encodedSlash);
  return place;
}

/** The target of a relative path when none is named. */
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
  const mayEncode = [...choices.targets.values()].some(({ encodedSlash }) => encodedSlash);
  const checked = checkPath(rest, maxBytes, mayEncode);
  const under = [...choices.targets.values()].flatMap((config) => {
    const path = pathUnder(config.baseUrl, origin, checked);
    return path === undefined ? [] : [{ config, path }];
  });
  // The longest base URL leaves the shortest path.
  const shortest = Math.min(...under.map(({ path }) => path.length));
  const nearest = under.filter(({ path }) => path.length === shortest);
  const best = nearest.find(({ config }) => config.name === choices.defaultTarget) ?? nearest[0];
  if (best === undefined) return implicit(origin, checkPath(rest, maxBytes), isSafe);
  const { config, path } = best;
  checkPath(rest, maxBytes, config.encodedSlash);
  const twin = nearest.at(-1)?.config.name ?? config.name;
  if (config.name !== choices.defaultTarget && twin !== config.name) {
    refuse('url', `lies under two targets, ${quoted(config.name)} and ${quoted(twin)}`, 'name one with --target');
  }
  return { target: config.name, path, implicitBaseUrl: undefined, config };
}

function placeUrl(text: string, name: string | undefined, choices: TargetChoices, maxBytes: number): Destination {
  if (name === undefined) return splitAbsoluteUrl(text, choices, maxBytes);
  const { origin, rest } = splitUrl(text, maxBytes);
  const place = named(name, '', choices);
  const baseUrl = place.config?.baseUrl ?? place.implicitBaseUrl;
  if (baseUrl === undefined) {
    const reason = `cannot be placed under ${quoted(name)}, which the config does not name`;
    return refuse('url', reason, 'give the path alone');
  }
  const path = pathUnder(baseUrl, origin, checkPath(rest, maxBytes, place.config?.encodedSlash));
  if (path === undefined) {
    const reason = `does not lie under the base URL of the target ${quoted(name)}`;
    return refuse('url', reason, 'leave --target out, or give the path alone');
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

/** A target named by its origin. It never gets a credential, and allows plain http only to this machine. */
function implicit(origin: string, path: string, isSafe: boolean): Destination {
  if (!isSafe) {
    const reason = 'is plain http to another machine, and no target in the config allows that';
    refuse('url', reason, 'use https, or add a target with "insecureHttp": true');
  }
  return { target: origin, path, implicitBaseUrl: origin, config: undefined };
}

function pathUnder(baseUrl: string, origin: string, rest: string): string | undefined {
  const base = new URL(baseUrl);
  if (base.origin !== origin) return undefined;
  const path = remainder(rest, base.pathname.replace(/\/$/, ''));
  // Below `https://host/v1`, `/v1//x` leaves `//x`, which names another host.
  return path?.startsWith('//') === true ? undefined : path;
}
