/** Plans a replay: what may be sent, to which URL and with which key. Sends nothing. */
import { implicitTarget } from '../config/target-shape.js';
import type { Config } from '../nouns/config.js';
import { QueueError } from '../nouns/errors.js';
import { checkHeaders, parseHeaderFlag } from '../input/headers.js';
import { derivedKey } from '../input/key.js';
import { checkPath, splitUrl } from '../input/path.js';
import { quoted } from '../check/text.js';
import type { StoredRequest } from '../nouns/item.js';
import { laneOf } from '../policy/lane.js';
import type { ArchivedItem, ArchivedTarget } from '../store/archive.js';
import type { TargetConfig } from '../nouns/target.js';

/** A prefix of whole path segments, and its replacement. */
export interface PathRule {
  from: string;
  to: string;
}

export interface RequestChanges {
  paths: readonly PathRule[];
  /** They replace the item's headers of the same name. Lower-case names. */
  headers: Readonly<Record<string, string>>;
  contentType: string | undefined;
}

const LONGEST_PATH = 64 * 1024;
const LONGEST_HEADERS = 16 * 1024;

/**
 * Finds a target of the config by its name, or takes a URL, which never gets a credential. @throws {QueueError}
 * unknown-target, usage
 */
export function replayTarget(config: Config, to: string): TargetConfig {
  const known = config.targets.get(to);
  if (known !== undefined) return known;
  if (/^https?:\/\//i.test(to)) {
    const { origin, rest } = splitUrl(to, LONGEST_PATH);
    return implicitTarget(origin + checkPath(rest.replace(/\/+$/, ''), LONGEST_PATH));
  }
  const names = [...config.targets.keys()];
  throw new QueueError('unknown-target', `the config has no target ${quoted(to)}; nothing was sent`, {
    hint:
      names.length === 0
        ? 'add one with: syncq target add NAME URL'
        : `known targets: ${names.join(', ')}; or give a URL`,
  });
}

/** Reads `FROM=TO`. @throws {QueueError} code 'usage' */
export function parsePathRule(text: string): PathRule {
  const equals = text.indexOf('=');
  const [from, to] = [text.slice(0, Math.max(0, equals)), text.slice(equals + 1)].map((part) =>
    part.replace(/\/+$/, ''),
  );
  if (
    equals < 0 ||
    from === undefined ||
    to === undefined ||
    [from, to].some((part) => part !== '' && !part.startsWith('/'))
  ) {
    throw new QueueError('usage', `${quoted(text)} maps no path`, {
      hint: 'write FROM=TO, both from / on: --map-path /v1=/api/v2',
    });
  }
  if (to !== '') checkPath(to, LONGEST_PATH);
  return { from, to };
}

/** @throws {QueueError} usage, bad-item: not a header, or one that carries a credential */
export function parseHeaderFlags(
  flags: readonly string[],
  target: TargetConfig,
): Pick<RequestChanges, 'headers' | 'contentType'> {
  return checkHeaders(flags.map(parseHeaderFlag), {
    maxBytes: LONGEST_HEADERS,
    idempotencyHeader: target.idempotencyHeader,
  });
}

/** The longest matching prefix that ends at a segment. */
export function mapPath(path: string, rules: readonly PathRule[]): string {
  const fits = ({ from }: PathRule): boolean =>
    path.startsWith(from) && ['', '/', '?'].includes(path.charAt(from.length));
  const rule = rules.filter(fits).sort((a, b) => b.from.length - a.from.length)[0];
  return rule === undefined ? path : rule.to + path.slice(rule.from.length);
}

/** Why an item cannot be replayed; undefined = it can. */
export function unsendable(item: ArchivedItem): string | undefined {
  return item.payload === undefined && item.payloadBytes !== undefined ? 'its payload was removed' : undefined;
}

/**
 * The copy that is sent. The same copy has the same key in every run. A changed copy has another one, because a server
 * that honours keys would answer a known key with its first answer, or refuse it.
 */
export function copyOf(item: ArchivedItem, changes: RequestChanges, family: string): StoredRequest {
  const request = {
    method: item.method,
    path: mapPath(item.path, changes.paths),
    headers: { ...item.headers, ...changes.headers },
    contentType: item.payload === undefined ? undefined : (changes.contentType ?? item.contentType),
    payload: item.payload,
  };
  const content = [
    request.method,
    request.path,
    // Independent of the order in which they were given.
    Object.entries(request.headers).sort(([a], [b]) => (a < b ? -1 : 1)),
    request.contentType ?? null,
    item.payloadSha256 ?? null,
  ];
  return { ...request, idempotencyKey: derivedKey(`${family}\n${item.idempotencyKey}\n${JSON.stringify(content)}`) };
}

/** The lane of the original: copies of one lane are sent in order. */
export function replayLane(item: ArchivedItem, orders: ReadonlyMap<string, ArchivedTarget['order']>): string {
  const order = orders.get(item.target) ?? 'entity';
  const { entity, target } = item;
  const ofEntity = entity === undefined ? undefined : `entity/${JSON.stringify([target, entity.type, entity.id])}`;
  return laneOf(order, ofEntity, `target/${target}`, item.ownLane) ?? `item/${item.id}`;
}
