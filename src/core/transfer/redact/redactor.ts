/**
 * Takes personal data out of items: sensitive fields get stand-ins, and whatever equals one of their values elsewhere
 * (paths, entities, free text, answers, history) gets the same. `learn` sees all items first, because a path may hold a
 * value that only a later payload shows to be sensitive.
 */
import type { ArchivedEvent, ArchivedItem, ArchivedRevision } from '../../store/archive.js';
import type { SensitivePatterns } from '../../config/sensitive.js';
import { isJsonContentType } from '../../input/content-type.js';
import { createHash } from 'node:crypto';
import type { Attempt, Entity, ResponseExcerpt } from '../../item.js';
import { findSensitive, replaceSensitive } from './json.js';
import { KnownValues } from './known-values.js';
import { StandIns } from './stand-in.js';

/** Own values of an item that are looked for as they are, anywhere in it: shorter ones are parts of everything. */
const SHORTEST_OWN = 4;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** A word such as `walk` or `in_progress`: without patterns any value is hidden, but these are no trace of a person. */
const PLAIN_WORD = /^[a-z_-]*$/;

export class Redactor {
  readonly #patterns: SensitivePatterns;
  readonly #standIns: StandIns;
  readonly #known: KnownValues;

  /** @param key secret bytes: whoever has them can make the same stand-ins, and try values out */
  constructor(patterns: SensitivePatterns, key: Uint8Array) {
    this.#patterns = patterns;
    this.#standIns = new StandIns(key);
    this.#known = new KnownValues(this.#standIns);
  }

  /** Remembers the sensitive values of one item. */
  learn(item: ArchivedItem): void {
    this.#collect(item, (value) => this.#remember(value));
  }

  /** A copy without them. */
  redact(item: ArchivedItem): ArchivedItem {
    const own = new Set<string>();
    this.#collect(item, (value) => {
      this.#remember(value);
      if (value.length >= SHORTEST_OWN && this.#isTrace(value)) own.add(value);
    });
    return new ItemRedaction(this.#patterns, this.#standIns, this.#known, own).item(item);
  }

  #remember(value: string): void {
    if (this.#isTrace(value)) this.#known.add(value);
  }

  #isTrace(value: string): boolean {
    return !this.#patterns.everything || !PLAIN_WORD.test(value);
  }

  #collect(item: ArchivedItem, found: (value: string) => void): void {
    collectBody(item.payload, item.contentType, this.#patterns, found);
    for (const { payload, contentType } of item.revisions) collectBody(payload, contentType, this.#patterns, found);
    for (const { response } of item.attempts) {
      if (response !== undefined) collectBody(response.body, response.headers['content-type'], this.#patterns, found);
    }
    if (item.entity !== undefined && this.#patterns.names.has(item.entity.type.toLowerCase())) found(item.entity.id);
    for (const [name, value] of queryOf(item.path)) if (this.#patterns.names.has(name.toLowerCase())) found(value);
  }
}

const FORM = 'application/x-www-form-urlencoded';

function collectBody(
  body: Uint8Array | undefined,
  contentType: string | undefined,
  patterns: SensitivePatterns,
  found: (value: string) => void,
): void {
  const text = body === undefined ? undefined : decode(body);
  if (text === undefined || contentType === undefined) return;
  if (contentType.startsWith(FORM)) {
    for (const [name, value] of new URLSearchParams(text))
      if (patterns.everything || patterns.names.has(name.toLowerCase())) found(value);
  }
  if (!isJsonContentType(contentType)) return;
  try {
    findSensitive(text, patterns, found);
  } catch {
    // Not JSON after all, or cut: hidden whole, so there is nothing to learn.
  }
}

/** One item's copy being made. */
class ItemRedaction {
  readonly #patterns: SensitivePatterns;
  readonly #standIns: StandIns;
  readonly #known: KnownValues;
  /** The item's own sensitive values, the longest first. */
  readonly #own: readonly string[];

  constructor(patterns: SensitivePatterns, standIns: StandIns, known: KnownValues, own: ReadonlySet<string>) {
    this.#patterns = patterns;
    this.#standIns = standIns;
    this.#known = known;
    this.#own = [...own].sort((a, b) => b.length - a.length);
  }

  item(item: ArchivedItem): ArchivedItem {
    const payload = item.payload === undefined ? undefined : this.#body(item.payload, item.contentType, true);
    return {
      ...item,
      entity: item.entity === undefined ? undefined : this.#entity(item.entity),
      path: this.#path(item.path),
      headers: this.#headers(item.headers),
      payload,
      payloadBytes: payload?.length ?? item.payloadBytes,
      payloadSha256: payload === undefined ? item.payloadSha256 : sha256(payload),
      idempotencyKey: this.#key(item.idempotencyKey),
      tags: item.tags.map((tag) => this.#text(tag)),
      review:
        item.review === undefined
          ? undefined
          : { ...item.review, message: this.#text(item.review.message), cause: this.#text(item.review.cause) },
      attempts: item.attempts.map((attempt) => this.#attempt(attempt)),
      revisions: item.revisions.map((revision) => this.#revision(revision)),
      history: item.history.map((event) => this.#event(event)),
    };
  }

  #entity({ type, id }: Entity): Entity {
    return { type, id: this.#patterns.names.has(type.toLowerCase()) ? this.#standIns.of(id) : this.#text(id) };
  }

  #attempt(attempt: Attempt): Attempt {
    return {
      ...attempt,
      message: attempt.message === undefined ? undefined : this.#text(attempt.message),
      url: attempt.url === undefined ? undefined : this.#text(attempt.url),
      idempotencyKey: attempt.idempotencyKey === undefined ? undefined : this.#key(attempt.idempotencyKey),
      response: attempt.response === undefined ? undefined : this.#response(attempt.response),
    };
  }

  #response(response: ResponseExcerpt): ResponseExcerpt {
    const body = this.#body(response.body, response.headers['content-type'], false);
    return { ...response, headers: this.#headers(response.headers), body };
  }

  #revision(revision: ArchivedRevision): ArchivedRevision {
    const payload =
      revision.payload === undefined ? undefined : this.#body(revision.payload, revision.contentType, true);
    return {
      ...revision,
      who: this.#standIns.of(revision.who),
      reason: revision.reason === undefined ? undefined : this.#text(revision.reason),
      idempotencyKey: this.#key(revision.idempotencyKey),
      path: this.#path(revision.path),
      headers: this.#headers(revision.headers),
      payload,
      payloadSha256: payload === undefined ? revision.payloadSha256 : sha256(payload),
    };
  }

  #event(event: ArchivedEvent): ArchivedEvent {
    return {
      ...event,
      who: this.#standIns.of(event.who),
      reason: event.reason === undefined ? undefined : this.#text(event.reason),
      detail: event.detail === undefined ? undefined : (this.#anything(event.detail) as Record<string, unknown>),
    };
  }

  /** A UUID was made by chance: digits in it that look like somebody's are nobody's. */
  #key(key: string): string {
    return UUID.test(key) && !this.#known.has(key) ? key : this.#text(key);
  }

  #anything(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value);
    if (Array.isArray(value)) return value.map((entry) => this.#anything(entry));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, this.#anything(entry)]));
  }

  #headers(headers: Record<string, string>): Record<string, string> {
    return Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, name === 'content-type' ? value : this.#text(value)]),
    );
  }

  /** Free text: the item's own values as they are, then whatever is known of any item. */
  #text(text: string): string {
    let result = text;
    for (const value of this.#own)
      if (result.includes(value)) result = result.replaceAll(value, this.#standIns.of(value));
    return result === text ? this.#known.replace(text) : this.#known.scrub(result);
  }

  /** @param isOurs a payload, in which only patterns tell what may be shown; an answer in free text is searched instead */
  #body(body: Uint8Array, contentType: string | undefined, isOurs: boolean): Uint8Array {
    if (body.length === 0) return body;
    const text = decode(body);
    // Bytes that are no text: nothing can be found in them, so nothing of them is kept but their number.
    if (text === undefined) return new Uint8Array(body.length);
    return Buffer.from(this.#bodyText(text, contentType, isOurs));
  }

  #bodyText(text: string, contentType: string | undefined, isOurs: boolean): string {
    if (contentType !== undefined && isJsonContentType(contentType)) {
      try {
        return this.#own.reduce((json, value) => replaceKeys(json, value, this.#standIns.of(value)), this.#json(text));
      } catch {
        return this.#standIns.of(text);
      }
    }
    if (contentType?.startsWith(FORM) === true) return this.#pairs(text);
    return isOurs ? this.#standIns.of(text) : this.#text(text);
  }

  #json(text: string): string {
    return replaceSensitive(text, {
      patterns: this.#patterns,
      sensitive: (value) => this.#standIns.of(value),
      other: (value) => this.#text(value),
    });
  }

  #path(path: string): string {
    const question = path.indexOf('?');
    const before = question < 0 ? path : path.slice(0, question);
    const segments = before.split('/').map((segment) => this.#encoded(segment, (text) => this.#text(text)));
    return segments.join('/') + (question < 0 ? '' : `?${this.#pairs(path.slice(question + 1))}`);
  }

  /** `name=value&...`, of a query or a form. */
  #pairs(text: string): string {
    return text
      .split('&')
      .map((pair) => {
        const equals = pair.indexOf('=');
        if (equals < 0) return this.#encoded(pair, (value) => this.#text(value));
        const name = pair.slice(0, equals);
        const isSensitive = this.#patterns.everything || this.#patterns.names.has(decodeOr(name).toLowerCase());
        const value = this.#encoded(pair.slice(equals + 1), (given) =>
          isSensitive ? this.#standIns.of(given) : this.#text(given),
        );
        return `${name}=${value}`;
      })
      .join('&');
  }

  /** Percent-encoded text, replaced in the clear; what does not change keeps its spelling. */
  #encoded(text: string, change: (text: string) => string): string {
    const clear = decodeOr(text);
    const changed = change(clear);
    return changed === clear ? text : encodeURIComponent(changed).replaceAll("'", '%27');
  }
}

/** A value may be the name of a member, too. */
function replaceKeys(json: string, value: string, standIn: string): string {
  const text = JSON.stringify(value).slice(1, -1);
  return json.includes(text) ? json.replaceAll(text, JSON.stringify(standIn).slice(1, -1)) : json;
}

function queryOf(path: string): Iterable<[string, string]> {
  const question = path.indexOf('?');
  return question < 0 ? [] : new URLSearchParams(path.slice(question + 1));
}

function decodeOr(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** UTF-8 text; undefined for anything else. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
