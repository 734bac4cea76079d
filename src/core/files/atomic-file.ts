/** A text file that is written piece by piece and is there whole or not at all. Readable by its owner only. */
import { closeSync, fchmodSync, openSync, writeSync } from 'node:fs';

import { fileFailure } from './file-failure.js';
import { publish, temporaryBeside } from './new-file.js';
import { removeTemporary } from './temporary.js';

/** Characters that are buffered before they are written. */
const BUFFER_CHARACTERS = 256 * 1024;

export class AtomicFile {
  readonly #path: string;
  readonly #temporary: string;
  readonly #handle: number;
  #buffered: string[] = [];
  #bufferedLength = 0;
  #bytes = 0;
  #open = true;

  /**
   * @param mode permissions of the file. Default 0600
   * @throws {QueueError} `unwritable` or `disk-full`, here and below
   */
  constructor(path: string, mode = 0o600) {
    this.#path = path;
    this.#temporary = temporaryBeside(path);
    this.#handle = this.#guard(() => openSync(this.#temporary, 'r+'));
    if (mode !== 0o600) this.#guard(() => fchmodSync(this.#handle, mode));
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

  /** Overwrites bytes at the start: for a header whose content is known only at the end. */
  writeStart(bytes: Uint8Array): void {
    this.#flush();
    this.#guard(() => writeSync(this.#handle, bytes, 0, bytes.length, 0));
  }

  /**
   * Puts the file under its name, durably.
   *
   * @param lastCheck called just before; throws to leave what is there, which is overwritten otherwise. Default: refuse
   *   a name that is taken
   */
  commit(lastCheck?: () => void): void {
    this.#flush();
    this.#close();
    publish(this.#temporary, this.#path, lastCheck);
  }

  /** Removes the unfinished file; does nothing after `commit`. */
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
