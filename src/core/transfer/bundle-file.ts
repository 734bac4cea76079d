/**
 * The bundle: one text file with a header line (what it holds, and the checksum of the rest), a line about targets and
 * config, and a line per item. The header is written last, over the blank line that keeps its place.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';

import { baseUrl } from '../config/base-url.js';
import { isTargetName } from '../config/target-shape.js';
import { QueueError, isQueueError } from '../nouns/errors.js';
import type { DraftContext } from '../input/draft.js';
import { readChunks } from '../files/read-file.js';
import { LineSplitter, type Line } from '../input/line-splitter.js';
import { splitUrl } from '../input/path.js';
import { inField, inPlace } from '../check/refuse.js';
import { quoted } from '../check/text.js';
import type { ArchivedItem, ArchivedTarget, Recipient } from '../store/archive.js';
import type { AtomicFile } from '../files/atomic-file.js';
import { bundleLine, readBundleLine, type BundleContext } from './bundle-item.js';
import { Fields, damaged } from './fields.js';

/** Version of the format. A reader refuses a newer one; new fields alone need no new version. */
export const BUNDLE_VERSION = 1;

/** Bytes of the header line, its LF included: blanks fill it up. */
const HEADER_BYTES = 512;

/** Items handed on at a time. */
const BATCH_ITEMS = 200;

/** Of a version, a queue or a target, characters. */
const LONGEST_NAME = 255;

/** One item with its payload (twice, as base64), ledger and revisions; more is no bundle of ours. */
const LONGEST_LINE = 512 * 1024 * 1024;

export interface BundleHeader {
  version: number;
  /** Epoch ms. */
  createdAt: number;
  /** Version of syncq that wrote it. */
  syncq: string;
  /** The queue it comes from. */
  queue: string;
  redacted: boolean;
  items: number;
  /** Of everything behind the header line, lower-case hex. */
  sha256: string;
}

export interface BundlePrologue {
  targets: readonly ArchivedTarget[];
  /** For people: the config without secrets. Not applied by an import. */
  config: Record<string, unknown>;
  /** Who has, or may have, items of the queue; undefined in bundles that were made before this was noted. */
  recipients: readonly Recipient[] | undefined;
}

export class BundleWriter {
  readonly #file: AtomicFile;
  readonly #hash = createHash('sha256');
  #items = 0;

  constructor(file: AtomicFile, { targets, config, recipients }: BundlePrologue) {
    this.#file = file;
    file.write(`${' '.repeat(HEADER_BYTES - 1)}\n`);
    this.#line(`${JSON.stringify({ targets, config, recipients })}\n`);
  }

  add(item: ArchivedItem): void {
    this.#line(bundleLine(item));
    this.#items += 1;
  }

  /** Writes the header. The caller commits the file. */
  finish(facts: Pick<BundleHeader, 'createdAt' | 'syncq' | 'queue' | 'redacted'>): BundleHeader {
    const header: BundleHeader = {
      version: BUNDLE_VERSION,
      ...facts,
      items: this.#items,
      sha256: this.#hash.digest('hex'),
    };
    const { version, createdAt, ...rest } = header;
    const text = JSON.stringify({ syncqBundle: version, createdAt: new Date(createdAt).toISOString(), ...rest });
    if (text.length >= HEADER_BYTES) throw new Error('the header of a bundle does not fit');
    this.#file.writeStart(Buffer.from(`${text.padEnd(HEADER_BYTES - 1)}\n`));
    return header;
  }

  #line(text: string): void {
    this.#hash.update(text);
    this.#file.write(text);
  }
}

export interface Bundle {
  header: BundleHeader;
  prologue: BundlePrologue;
}

const NOTHING = 'nothing was stored';
const LF = 0x0a;

/**
 * Reads the whole file once: it is a bundle, of a version this program knows, whole and unchanged.
 *
 * @throws {QueueError} code 'bad-item'
 */
export function verifyBundle(path: string): Bundle {
  const hash = createHash('sha256');
  let header: BundleHeader | undefined;
  let second: Buffer | undefined;
  let items = 0;
  for (const { line, isHeader } of linesOf(path, hash)) {
    if (isHeader) header = readHeader(line, path);
    else if (second === undefined) second = Buffer.from(line.bytes);
    else items += 1;
  }
  if (header === undefined || second === undefined) throw notABundle(path);
  if (hash.digest('hex') !== header.sha256 || items !== header.items) throw changed(path);
  return { header, prologue: readPrologue(second, path) };
}

/** Its items in batches, and afterwards a check that they are those that were verified. */
export function bundleItems(
  path: string,
  { header, prologue }: Bundle,
  context: DraftContext,
  onItems: (count: number) => void = () => undefined,
): { batches: AsyncIterable<ArchivedItem[]>; assertUnchanged: () => void } {
  const hash = createHash('sha256');
  const targets = new Map(prologue.targets.map((target) => [target.name, target]));
  const known: BundleContext = {
    ...context,
    knownTarget: (name) => targets.get(name),
    bundleTargets: new Set(targets.keys()),
  };
  let isWhole = false;
  async function* batches(): AsyncGenerator<ArchivedItem[]> {
    let batch: ArchivedItem[] = [];
    let [count, bytes, last] = [0, 0, 0];
    let isPrologue = true;
    for (const { line, isHeader } of linesOf(path, hash)) {
      if (isHeader) continue;
      if (isPrologue) {
        isPrologue = false;
        continue;
      }
      count += 1;
      bytes += line.bytes.length;
      const item = inItem(count, line, () => {
        const read = readBundleLine(line.bytes, known);
        return read.id > last ? read : damaged('id', 'is not greater than the one before');
      });
      last = item.id;
      batch.push(item);
      if (batch.length < BATCH_ITEMS && bytes < 8 * 1024 * 1024) continue;
      yield batch;
      onItems(count);
      batch = [];
      bytes = 0;
    }
    if (batch.length > 0) yield batch;
    onItems(count);
    isWhole = hash.digest('hex') === header.sha256;
  }
  return {
    batches: batches(),
    assertUnchanged: () => {
      if (!isWhole) throw changed(path);
    },
  };
}

/** Lines of the file; the hash takes in all but the header line. */
function* linesOf(
  path: string,
  hash: { update(bytes: Uint8Array): unknown },
): Generator<{ line: Line; isHeader: boolean }> {
  const splitter = new LineSplitter(LONGEST_LINE);
  const file = openBundle(path);
  let position = 0;
  let isHeader = true;
  try {
    for (const chunk of readChunks(file)) {
      if (position === 0 && chunk[HEADER_BYTES - 1] !== LF) throw notABundle(path);
      hash.update(chunk.subarray(Math.max(0, Math.min(chunk.length, HEADER_BYTES - position))));
      position += chunk.length;
      for (const line of splitter.push(chunk)) {
        if (line.tooLong) throw notABundle(path);
        yield { line, isHeader };
        isHeader = false;
      }
    }
    for (const line of splitter.end()) {
      if (line.tooLong) throw notABundle(path);
      yield { line, isHeader };
    }
  } finally {
    closeSync(file);
  }
}

function openBundle(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    const what = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
    throw new QueueError('usage', `the file ${path} ${what}; ${NOTHING}`, { cause: error });
  }
}

function readHeader(line: Line, path: string): BundleHeader {
  let fields: Fields;
  try {
    fields = new Fields(JSON.parse(Buffer.from(line.bytes).toString('utf8')), 'the header');
  } catch {
    throw notABundle(path);
  }
  const version = fields.optional('syncqBundle');
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) throw notABundle(path);
  if (version > BUNDLE_VERSION) {
    throw new QueueError(
      'bad-item',
      `${path} was written by a newer syncq (bundle version ${version}, this one knows ${BUNDLE_VERSION}); ${NOTHING}`,
      { hint: 'update syncq' },
    );
  }
  return inBundle(path, () => ({
    version,
    createdAt: fields.time('createdAt'),
    syncq: fields.line('syncq', LONGEST_NAME),
    queue: fields.line('queue', LONGEST_NAME),
    redacted: fields.flag('redacted'),
    items: fields.count('items', 0),
    sha256: fields.matching('sha256', /^[0-9a-f]{64}$/),
  }));
}

function readPrologue(line: Buffer, path: string): BundlePrologue {
  const fields = inBundle(path, () => new Fields(JSON.parse(line.toString('utf8')), 'the second line'));
  const names = new Set<string>();
  try {
    return {
      targets: fields.list('targets', (value) => {
        const target = readTarget(new Fields(value, 'a target'));
        if (names.has(target.name)) damaged(`target ${quoted(target.name)}`, 'is there twice');
        names.add(target.name);
        return target;
      }),
      config: fields.record('config'),
      recipients:
        fields.optional('recipients') === undefined
          ? undefined
          : fields.list('recipients', (value) => readRecipient(new Fields(value, 'a recipient'))),
    };
  } catch (error) {
    if (!isQueueError(error)) throw error;
    throw inPlace('line 2 of the bundle', error, NOTHING);
  }
}

/** A name that a config may give, or that of an implicit target: then it is what leads there (contract, section 3). */
function readTarget(fields: Fields): ArchivedTarget {
  const name = fields.line('name', LONGEST_NAME);
  const target = {
    name,
    order: fields.oneOf('order', ['entity', 'strict', 'none']),
    implicitBaseUrl: fields.optionalText('implicitBaseUrl'),
    boundTo: optionalBaseUrl(fields, 'boundTo'),
    delivered: fields.optionalFlag('delivered'),
  };
  const what = `target ${quoted(name)}`;
  if (target.implicitBaseUrl === undefined) {
    if (!isTargetName(name)) damaged(what, 'has no name that a target may have');
    return target;
  }
  const { origin, isSafe } = splitUrl(name, LONGEST_NAME);
  if (origin !== name || target.implicitBaseUrl !== name || (target.boundTo ?? name) !== name)
    damaged(what, 'leads to another server than its name says');
  if (!isSafe) damaged(what, 'is plain http to another machine');
  return target;
}

function optionalBaseUrl(fields: Fields, name: string): string | undefined {
  const given = fields.optionalText(name);
  if (given === undefined) return undefined;
  const at = { path: 'base URL', key: name, baseDir: '', source: undefined, isArgument: true as const };
  return inField(name, () => baseUrl(given, at)) === given ? given : damaged(name, 'is not a base URL as it is kept');
}

function readRecipient(fields: Fields): Recipient {
  return {
    baseUrl: optionalBaseUrl(fields, 'baseUrl'),
    target: fields.line('target', LONGEST_NAME),
    why: fields.oneOf('why', ['delivered', 'production', 'untold']),
  };
}

function inBundle<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isQueueError(error) && !(error instanceof SyntaxError)) throw error;
    throw changed(path, error);
  }
}

function inItem<T>(number: number, line: Line, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isQueueError(error)) throw error;
    throw inPlace(`item ${number} of the bundle (line ${line.number})`, error, NOTHING);
  }
}

function notABundle(path: string): QueueError {
  return new QueueError('bad-item', `${path} is not a bundle; ${NOTHING}`, {
    hint: 'a bundle is made by syncq export --output FILE; lines of JSON are stored by syncq enqueue --from FILE',
  });
}

function changed(path: string, cause?: unknown): QueueError {
  return new QueueError('bad-item', `${path} is damaged: it does not fit its checksum; ${NOTHING}`, {
    hint: 'copy it again from where it was made, or export it again',
    ...(cause === undefined ? {} : { cause }),
  });
}
