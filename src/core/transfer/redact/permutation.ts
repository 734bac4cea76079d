/**
 * A keyed permutation of short sequences (format-preserving encryption): every sequence gets another one of the same
 * shape, two different ones never the same. So stand-ins keep what a bug may depend on: lengths, kinds of characters,
 * and which values are equal.
 *
 * A Feistel network over mixed radices: each half is shifted, position by position, by numbers drawn from the other
 * half under the key. Bijective whatever the round function is (Luby and Rackoff, 1988); eight rounds, as in NIST SP 800-38G
 * (FF3-1). A domain of ten values can only be shuffled, not hidden: docs/transfer.md says so.
 */
import { createHmac, hash } from 'node:crypto';

const ROUNDS = 8;

/**
 * @param values  one number per position, `0 <= values[i] < radices[i]`
 * @param tweak   what kind of value it is: the same sequence of another kind gets another stand-in
 */
export function permute(
  values: readonly number[],
  radices: readonly number[],
  tweak: string,
  key: Uint8Array,
): number[] {
  const result = [...values];
  const half = Math.floor(values.length / 2);
  const secret = secretOf(key, `${tweak}/${radices.join('.')}`);
  for (let round = 0; round < ROUNDS; round++) {
    const isSecond = round % 2 === 0;
    const [from, to] = isSecond ? [half, result.length] : [0, half];
    if (from === to) continue;
    const others = isSecond ? result.slice(0, half) : result.slice(half);
    const shifts = numbersOf(`${secret}${round}/${others.join('.')}`, to - from);
    for (let at = from; at < to; at++) {
      const radix = radices[at] ?? 1;
      result[at] = ((result[at] ?? 0) + (shifts[at - from] ?? 0)) % radix;
    }
  }
  return result;
}

/** `count` numbers of 32 bits that nobody can guess without the key; for a radix below 2^15 their bias is no matter. */
export function draw(key: Uint8Array, text: string, count: number): number[] {
  return numbersOf(secretOf(key, text), count);
}

/** A key of its own for each kind and shape of value. */
function secretOf(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64');
}

/** One call of the hash a block: these digests never leave this file, so a secret in front is all the key it needs. */
function numbersOf(secret: string, count: number): number[] {
  const numbers: number[] = [];
  for (let block = 0; numbers.length < count; block++) {
    const bytes = hash('sha256', `${block}/${secret}`, 'buffer');
    for (let at = 0; at < bytes.length && numbers.length < count; at += 4) numbers.push(bytes.readUInt32BE(at));
  }
  return numbers;
}
