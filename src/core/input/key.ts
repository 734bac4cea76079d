/** Checks and makes idempotency keys (UUIDv7, RFC 9562 section 5.7). */
import { Buffer } from 'node:buffer';
import { createHash, randomFillSync } from 'node:crypto';

import { QueueError } from '../nouns/errors.js';
import type { NewItem } from '../nouns/item.js';
import { refuse } from '../check/refuse.js';

/** Characters of a key, for `[...]` in a regular expression or a SQL GLOB (the dash comes last). */
export const KEY_CHARACTERS = 'A-Za-z0-9_.:~-';
export const LONGEST_KEY = 128;

const KEY = new RegExp(`^[${KEY_CHARACTERS}]{1,${LONGEST_KEY}}$`);

/**
 * Checks a key of the user: 1 to 128 letters, digits and `_ . : ~ -`. UUIDs, ULIDs, hashes, ISO times and `order:42` fit,
 * and no key needs quotes in a header (RFC 9110 token, and `:`), a shell, a URL or a CSV file.
 *
 * @throws {QueueError} code 'bad-item'
 */
export function checkKey(text: string): string {
  if (!KEY.test(text)) {
    refuse('idempotencyKey', 'is not a key', `a key is 1 to ${LONGEST_KEY} letters, digits and _ . : ~ -`);
  }
  return text;
}

/** The refusal of a key that belongs to other content. @param owner the item's id, or its place in the input */
export function keyConflict({ idempotencyKey }: Pick<NewItem, 'idempotencyKey'>, owner: number | string): QueueError {
  const isItem = typeof owner === 'number';
  const message = `the key ${idempotencyKey ?? ''} already belongs to ${isItem ? `item ${owner}` : owner}, which has other content`;
  const look = isItem ? `look at it with: syncq inspect ${owner}; ` : '';
  return new QueueError('key-conflict', message, { hint: `${look}use another key for another write` });
}

/**
 * Returns a maker of UUIDv7s, each greater than the one before, also when the clock stands still or runs back. The 12 bits
 * after the time are a counter that starts at a random value below 2^11 (RFC 9562, section 6.2, method 1); when it
 * overflows, the time moves on by one millisecond.
 */
export function uuidv7Sequence(): (now: number, random: Uint8Array) => string {
  let lastMs = -1;
  let counter = 0;
  const bytes = Buffer.alloc(16);
  /** `now` is epoch ms; `random` 16 fresh random bytes. */
  return (now, random) => {
    if (now > lastMs || counter === 0xfff) {
      lastMs = Math.max(now, lastMs + 1);
      counter = (((random[6] ?? 0) & 0x07) << 8) | (random[7] ?? 0);
    } else {
      counter++;
    }
    bytes.set(random.subarray(0, 16));
    bytes.writeUIntBE(lastMs, 0, 6);
    bytes.writeUInt16BE(0x7000 | counter, 6);
    bytes[8] = 0x80 | ((random[8] ?? 0) & 0x3f);
    return uuidText(bytes);
  };
}

/** A UUIDv8 (RFC 9562, section 5.8) of the first bits of the SHA-256 of `source`: the same source gives the same key. */
export function derivedKey(source: string): string {
  const bytes = createHash('sha256').update(source).digest().subarray(0, 16);
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return uuidText(bytes);
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const nextUuid = uuidv7Sequence();
/** Random bytes for 256 keys: a system call for each key would cost more than the rest of making it. */
const pool = Buffer.alloc(4096);
let used = pool.length;

/** A new key, greater than every key that this process made before. @param now epoch ms */
export function newIdempotencyKey(now: number): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 16;
  return nextUuid(now, pool.subarray(used - 16, used));
}
