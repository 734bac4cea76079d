/** A file that is there whole or not at all: written beside its name, flushed, renamed. Readable by its owner only. */
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

import { fileFailure } from '../nouns/errors.js';
import { temporaryBeside } from './new-file.js';
import { forgetTemporary, removeTemporary } from './temporary.js';

/** Text is gathered up to this many characters before it is written. */
const BUFFER_CHARACTERS = 256 * 1024;

export class AtomicFile {
  readonly #path: string;
  readonly #temporary: string;
  readonly #handle: number;
  #buffered: string[] = [];
  #bufferedLength = 0;
  #bytes = 0;
  #open = true;

  /** @throws {QueueError} `unwritable` or `disk-full`, here and below */
  constructor(path: string) {
    this.#path = path;
    this.#temporary = temporaryBeside(path);
    this.#handle = this.#guard(() => openSync(this.#temporary, 'r+'));
  }

  /** Bytes written so far. */
  get bytes(): number {
    this.#flush();
    return this.#bytes;
  }

  write(text: string): void {
    this.#buffered.push(text);
    this.#bufferedLength += text.length;
    if (this.#bufferedLength >= BUFFER_CHARACTERS) this.#flush();
  }

  /** Overwrites bytes at the start: a header whose length is known and whose content only the end tells. */
  writeStart(bytes: Uint8Array): void {
    this.#flush();
    this.#guard(() => writeSync(this.#handle, bytes, 0, bytes.length, 0));
  }

  /** The file is there under its name now, also after a power cut. */
  commit(): void {
    this.#flush();
    this.#guard(() => {
      fsyncSync(this.#handle);
      this.#close();
      renameSync(this.#temporary, this.#path);
      forgetTemporary(this.#temporary);
    });
    flushName(dirname(this.#path));
  }

  /** Leaves nothing behind; after `commit` there is nothing to leave. */
  discard(): void {
    this.#close();
    removeTemporary(this.#temporary);
  }

  #flush(): void {
    if (this.#bufferedLength === 0) return;
    const bytes = Buffer.from(this.#buffered.join(''), 'utf8');
    this.#buffered = [];
    this.#bufferedLength = 0;
    this.#guard(() => {
      for (let at = 0; at < bytes.length;)
        at += writeSync(this.#handle, bytes, at, bytes.length - at, this.#bytes + at);
    });
    this.#bytes += bytes.length;
  }

  #close(): void {
    if (this.#open) closeSync(this.#handle);
    this.#open = false;
  }

  #guard<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      throw fileFailure(error, this.#path);
    }
  }
}

/** Some systems refuse to open or flush a directory; their file systems journal names. */
function flushName(directory: string): void {
  try {
    const handle = openSync(directory, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch {
    // As SQLite does: go on.
  }
}
