/**
 * Cuts chunks of bytes into lines. Only LF ends a line (readline also splits at a lone CR and would hold a line of any
 * length); bytes are never decoded here, so no character can be torn.
 */
import { Buffer } from 'node:buffer';
import { QueueError } from '../nouns/errors.js';

/** One line of bulk input. */
export interface Line {
  /** From 1, blank lines included. */
  number: number;
  /** Without its LF and a CR before it. A view: valid until the next `push`, when the reader may reuse its buffer. */
  bytes: Uint8Array;
  /** True when it is longer than the limit: `bytes` is empty, and the rest of the line is skipped. */
  tooLong: boolean;
}

const LF = 0x0a;
const CR = 0x0d;
/** How compressed files begin, by the program that unpacks them. */
const COMPRESSED: readonly (readonly [string, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a]],
];
const NO_BYTES = new Uint8Array(0);

/** Bytes that tell the kind of a file. */
const HEAD_BYTES = 4;

/**
 * Splits chunks into lines. Counts blank lines but leaves them out, and drops a UTF-8 byte order mark at the start. Keeps
 * at most `maxLineBytes` of an unfinished line.
 */
export class LineSplitter {
  readonly #maxLineBytes: number;
  /** Pieces of the line that has not ended yet. */
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  #skipping = false;
  #atStart = true;
  #number = 0;

  /** @param maxLineBytes longest line, without its line end */
  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** Lines that have ended so far, blank ones included. */
  get lineCount(): number {
    return this.#number;
  }

  /**
   * Returns the lines that end in this chunk, and a line as soon as it is too long.
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

  /** Returns the last line when it has no LF. Call once, after the last `push`. */
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

  /** Keeps the beginning of a line unless it is too long (one byte more may be the CR of its end). */
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
    // A copy, because the reader reuses its chunk.
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

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((c) => c === 0x20 || c === 0x09 || c === CR);
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
  for (const [packer, magic] of COMPRESSED) {
    if (!magic.every((byte, at) => bytes[at] === byte)) continue;
    throw new QueueError('bad-item', `the input is compressed (${packer})`, {
      hint: `unpack it first: ${packer} -dc FILE | syncq enqueue --from -`,
    });
  }
  return bytes;
}
