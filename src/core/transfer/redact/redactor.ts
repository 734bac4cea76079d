/**
 * Takes personal data out of items: sensitive fields get stand-ins, and whatever equals one of their values elsewhere
 * (paths, entities, free text, answers, history) gets the same. `learn` sees all items first, because a path may hold a
 * value that only a later payload shows to be sensitive.
 */
import type { ArchivedEvent, ArchivedItem, ArchivedRevision } from '../../store/archive.js';
import type { SensitivePatterns } from '../../nouns/sensitive.js';
import { sha256Hex } from '../../input/content-digest.js';
import { isJsonContentType } from '../../input/content-type.js';
import type { Attempt, Entity, ResponseExcerpt } from '../../nouns/item.js';
import type { Edit, Rewriting } from '../../privacy/layers.js';
import { readingsOf, rewritten } from '../../privacy/layers.js';
import { decodeText } from '../../check/text.js';
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
      if (!this.#isTrace(value)) return;
      for (const reading of readingsOf(value)) if (reading.length >= SHORTEST_OWN) own.add(reading);
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
  const text = body === undefined ? undefined : decodeText(body);
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

/** Stand-ins take the spelling of what they stand for. */
const TEXT: Rewriting = { as: 'text', respell: true };
const PATH: Rewriting = { as: 'path', respell: true };
const PAIR: Rewriting = { as: 'form', respell: true };

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
      payloadSha256: payload === undefined ? item.payloadSha256 : sha256Hex(payload),
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
      url: attempt.url === undefined ? undefined : this.#path(attempt.url),
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
      payloadSha256: payload === undefined ? revision.payloadSha256 : sha256Hex(payload),
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

  #text(text: string): string {
    return rewritten(text, (reading) => this.#find(reading), TEXT);
  }

  /** The item's own values as they are, and whatever is known of any item. */
  #find(reading: string): Edit[] {
    return [...this.#findOwn(reading), ...this.#known.find(reading)];
  }

  #findOwn(reading: string): Edit[] {
    const found: Edit[] = [];
    for (const value of this.#own) {
      for (let at = reading.indexOf(value); at >= 0; at = reading.indexOf(value, at + value.length))
        found.push({ start: at, end: at + value.length, text: this.#standIns.of(value) });
    }
    return found;
  }

  /** @param isOurs a payload, in which only patterns tell what may be shown; an answer in free text is searched instead */
  #body(body: Uint8Array, contentType: string | undefined, isOurs: boolean): Uint8Array {
    if (body.length === 0) return body;
    const text = decodeText(body);
    // Bytes that are no text: nothing can be found in them, so nothing of them is kept but their number.
    if (text === undefined) return new Uint8Array(body.length);
    return Buffer.from(this.#bodyText(text, contentType, isOurs));
  }

  #bodyText(text: string, contentType: string | undefined, isOurs: boolean): string {
    if (contentType !== undefined && isJsonContentType(contentType)) {
      try {
        return this.#json(text);
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
      // A value may be the name of a member, too; those of other items are as likely the names of fields.
      key: (name) => rewritten(name, (reading) => this.#findOwn(reading), TEXT),
    });
  }

  #path(path: string): string {
    const question = path.indexOf('?');
    const before = question < 0 ? path : path.slice(0, question);
    const segments = before.split('/').map((segment) => rewritten(segment, (reading) => this.#find(reading), PATH));
    return segments.join('/') + (question < 0 ? '' : `?${this.#pairs(path.slice(question + 1))}`);
  }

  /** `name=value&...`, of a query or a form. */
  #pairs(text: string): string {
    return text
      .split('&')
      .map((pair) => {
        const equals = pair.indexOf('=');
        if (equals < 0) return rewritten(pair, (reading) => this.#find(reading), PAIR);
        const name = pair.slice(0, equals);
        const isSensitive = this.#patterns.everything || this.#patterns.names.has(nameIn(name).toLowerCase());
        const value = rewritten(
          pair.slice(equals + 1),
          (reading) => (isSensitive ? [this.#whole(reading)] : this.#find(reading)),
          PAIR,
        );
        return `${name}=${value}`;
      })
      .join('&');
  }

  #whole(reading: string): Edit {
    return { start: 0, end: reading.length, text: this.#standIns.of(reading) };
  }
}

/** The name of a pair, in the clear. */
function nameIn(name: string): string {
  return [...new URLSearchParams(`${name}=`).keys()].join('');
}

function queryOf(path: string): Iterable<[string, string]> {
  const question = path.indexOf('?');
  return question < 0 ? [] : new URLSearchParams(path.slice(question + 1));
}
