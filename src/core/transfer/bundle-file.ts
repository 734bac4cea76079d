/**
 * Writes and reads bundles: text files with a header line (what the bundle holds, and the checksum of the rest), a line
 * about targets and config, and a line for each item. The header is written last, over a blank line of its length.
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync } from 'node:fs';

import { baseUrl } from '../config/base-url.js';
import { isTargetName } from '../config/target-shape.js';
import { QueueError, isQueueError } from '../nouns/errors.js';
import type { DraftContext } from '../input/draft.js';
import { openToRead, readChunks } from '../files/read-file.js';
import { LineSplitter, type Line } from '../input/line-splitter.js';
import { splitUrl } from '../input/path.js';
import { inField, inPlace } from '../check/refuse.js';
import { quoted } from '../check/text.js';
import type { ArchivedItem, ArchivedTarget, Recipient } from '../store/archive.js';
import type { AtomicFile } from '../files/atomic-file.js';
import { bundleLine, readBundleLine, type BundleContext } from './bundle-item.js';
import { Fields, damaged } from './fields.js';

/** Version of the format. Readers refuse a newer one; new fields alone do not change it. */
const BUNDLE_VERSION = 1;

/** Bytes of the header line with its LF, padded with spaces. */
const HEADER_BYTES = 512;

/** Items and bytes of one batch. */
const BATCH_ITEMS = 200;
const BATCH_BYTES = 8 * 1024 * 1024;

/** Characters of the name of a version, a queue or a target. */
const LONGEST_NAME = 255;

/** Bytes of an item with its payload (twice, as base64), attempts and revisions; a bundle has no longer line. */
const LONGEST_LINE = 512 * 1024 * 1024;

export interface BundleHeader {
  version: number;
  /** Epoch ms. */
  createdAt: number;
  /** Version of syncq that wrote it. */
  syncq: string;
  /** UUID of the queue it comes from. */
  queue: string;
  redacted: boolean;
  items: number;
  /** SHA-256 of everything behind the header line, lower-case hex. */
  sha256: string;
}

export interface BundlePrologue {
  targets: readonly ArchivedTarget[];
  /** The config without secrets, for people: an import does not apply it. */
  config: Record<string, unknown>;
  /** Servers that have, or may have, items of the queue; undefined in older bundles. */
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

  /** Writes the header. Commit the file afterwards. */
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

const NOTHING = 'nothing was stored';
const LF = 0x0a;

interface Bundle {
  header: BundleHeader;
  prologue: BundlePrologue;
}

/**
 * Reads the whole file once and checks that it is a bundle of a known version, complete and unchanged.
 *
 * @throws {QueueError} code 'bad-item'
 */
export function verifyBundle(path: string): Bundle {
  const hash = createHash('sha256');
  let header: BundleHeader | undefined;
  let second: Buffer | undefined;
  let items = 0;
  for (const line of linesOf(path, hash)) {
    if (line.number === 1) header = readHeader(line, path);
    else if (line.number === 2) second = Buffer.from(line.bytes);
    else items += 1;
  }
  if (header === undefined || second === undefined) throw notABundle(path);
  if (hash.digest('hex') !== header.sha256 || items !== header.items) throw changed(path);
  return { header, prologue: readPrologue(second, path) };
}

/** Reads the items in batches. `assertUnchanged` checks at the end that they are those that were verified. */
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
    for (const line of linesOf(path, hash)) {
      if (line.number <= 2) continue;
      count += 1;
      bytes += line.bytes.length;
      const item = inItem(count, line, () => {
        const read = readBundleLine(line.bytes, known);
        return read.id > last ? read : damaged('id', 'is not greater than the one before');
      });
      last = item.id;
      batch.push(item);
      if (batch.length < BATCH_ITEMS && bytes < BATCH_BYTES) continue;
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

/** The lines of the file. Updates the hash with all but the header line. */
function* linesOf(path: string, hash: Hash): Generator<Line> {
  const splitter = new LineSplitter(LONGEST_LINE);
  const file = openToRead(path);
  let position = 0;
  try {
    for (const chunk of readChunks(file)) {
      if (position === 0 && chunk[HEADER_BYTES - 1] !== LF) throw notABundle(path);
      hash.update(chunk.subarray(Math.max(0, Math.min(chunk.length, HEADER_BYTES - position))));
      position += chunk.length;
      yield* whole(splitter.push(chunk), path);
    }
    yield* whole(splitter.end(), path);
  } finally {
    closeSync(file);
  }
}

function whole(lines: Line[], path: string): Line[] {
  if (lines.some(({ tooLong }) => tooLong)) throw notABundle(path);
  return lines;
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

/** A target with a name that a config may give, or an implicit one, whose name is its base URL (contract, section 3). */
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
