/**
 * Cuts a stream of bytes into lines. Only LF ends a line (readline also splits at a lone CR and would hold a line of any
 * length); bytes are never decoded here, so no character can be torn.
 */
import { Buffer } from 'node:buffer';
import { readSync } from 'node:fs';
import { QueueError } from '../nouns/errors.js';

/** One line of bulk input. */
export interface Line {
  /** Counted from 1, blank lines included. */
  number: number;
  /** Without its LF and a CR before it. A view: valid until the next `push`, when the reader may fill its buffer anew. */
  bytes: Uint8Array;
  /** True when it passed the limit: `bytes` is empty, and the rest of the line is thrown away as it arrives. */
  tooLong: boolean;
}

const LF = 0x0a;
const CR = 0x0d;
const NO_BYTES = new Uint8Array(0);

/** Bytes needed to tell what kind of file a stream is. */
const HEAD_BYTES = 4;

/**
 * Splits chunks into lines; blank lines are counted and left out, a UTF-8 byte order mark at the start is dropped.
 * Keeps at most `maxLineBytes` of an unfinished line.
 */
export class LineSplitter {
  readonly #maxLineBytes: number;
  /** Pieces of the line that has not ended yet. */
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  #skipping = false;
  #atStart = true;
  #number = 0;

  /** @param maxLineBytes longest line, without its end */
  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** Lines that have ended so far, blank ones included. */
  get lineCount(): number {
    return this.#number;
  }

  /**
   * The lines that end in this chunk, and at once one that has become too long.
   *
   * @throws {QueueError} code 'bad-item' when the stream starts like UTF-16 or a compressed file
   */
  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let rest = chunk;
    if (this.#atStart) {
      if (this.#pieceBytes + chunk.length < HEAD_BYTES) {
        this.#keep(chunk);
        return lines;
      }
      rest = this.#start(chunk);
    }
    this.#split(rest, lines);
    return lines;
  }

  /** The last line, when it has no LF. Call once, after the last `push`. */
  end(): Line[] {
    const lines: Line[] = [];
    if (this.#atStart) this.#split(this.#start(NO_BYTES), lines);
    if (this.#skipping || this.#pieceBytes > 0) this.#finish(NO_BYTES, lines);
    return lines;
  }

  #start(chunk: Uint8Array): Uint8Array {
    const all = this.#join(chunk);
    this.#atStart = false;
    return checkHead(all);
  }

  #split(chunk: Uint8Array, lines: Line[]): void {
    let from = 0;
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, from)) {
      this.#finish(chunk.subarray(from, at), lines);
      from = at + 1;
    }
    if (from < chunk.length) this.#hold(chunk.subarray(from), lines);
  }

  /** Ends the current line with `tail`, its last piece. */
  #finish(tail: Uint8Array, lines: Line[]): void {
    this.#number++;
    if (this.#skipping) {
      this.#skipping = false;
      return;
    }
    const whole = this.#pieceBytes === 0 ? tail : this.#join(tail);
    const bytes = whole[whole.length - 1] === CR ? whole.subarray(0, -1) : whole;
    if (bytes.length > this.#maxLineBytes) {
      lines.push({ number: this.#number, bytes: NO_BYTES, tooLong: true });
    } else if (!isBlank(bytes)) {
      lines.push({ number: this.#number, bytes, tooLong: false });
    }
  }

  /** Keeps the beginning of a line, unless the line is too long already (a CR at its end may still go). */
  #hold(piece: Uint8Array, lines: Line[]): void {
    if (this.#skipping) return;
    if (this.#pieceBytes + piece.length <= this.#maxLineBytes + 1) {
      this.#keep(piece);
      return;
    }
    this.#skipping = true;
    this.#pieces = [];
    this.#pieceBytes = 0;
    lines.push({ number: this.#number + 1, bytes: NO_BYTES, tooLong: true });
  }

  #keep(piece: Uint8Array): void {
    // A copy: the chunk belongs to the reader. Buffer.from copies; Buffer's own slice() would not.
    this.#pieces.push(Buffer.from(piece));
    this.#pieceBytes += piece.length;
  }

  #join(tail: Uint8Array): Uint8Array {
    const whole = this.#pieceBytes === 0 ? tail : Buffer.concat([...this.#pieces, tail]);
    this.#pieces = [];
    this.#pieceBytes = 0;
    return whole;
  }
}

/**
 * Reads a file (not a pipe: this blocks) in chunks of one shared buffer, each valid until the next is taken.
 *
 * @param from byte to start at, whatever was read of it before; null = where the last reading ended
 */
export function* readChunks(fd: number, chunkBytes = 1024 * 1024, from: number | null = null): Generator<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(chunkBytes);
  for (let position = from; ;) {
    const count = readSync(fd, buffer, 0, chunkBytes, position);
    if (count === 0) return;
    if (position !== null) position += count;
    yield buffer.subarray(0, count);
  }
}

function isBlank(bytes: Uint8Array): boolean {
  for (const c of bytes) {
    if (c !== 0x20 && c !== 0x09 && c !== CR) return false;
  }
  return true;
}

/** Drops a UTF-8 byte order mark; refuses what is plainly another kind of file. */
function checkHead(bytes: Uint8Array): Uint8Array {
  const [a = -1, b = -1, c = -1] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return bytes.subarray(3);
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff) || a === 0 || b === 0) {
    throw new QueueError('bad-item', 'the input is UTF-16, not UTF-8', {
      hint: 'convert it first: iconv -f UTF-16 -t UTF-8 FILE | syncq enqueue --from -',
    });
  }
  const packer = packedBy(a, b, c);
  if (packer !== undefined) {
    throw new QueueError('bad-item', `the input is compressed (${packer})`, {
      hint: `unpack it first: ${packer} -dc FILE | syncq enqueue --from -`,
    });
  }
  return bytes;
}

function packedBy(a: number, b: number, c: number): string | undefined {
  if (a === 0x1f && b === 0x8b) return 'gzip';
  if (a === 0x28 && b === 0xb5 && c === 0x2f) return 'zstd';
  if (a === 0x42 && b === 0x5a && c === 0x68) return 'bzip2';
  if (a === 0xfd && b === 0x37 && c === 0x7a) return 'xz';
  return undefined;
}
