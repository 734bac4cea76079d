/** Reads item ids from arguments, or from stdin where `-` is given. */
import { QueueError } from '../../core/nouns/errors.js';

/** Bytes: enough for five million ids; more is a wrong file. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Ids from the arguments, each once, in the order given; `-` stands for those on stdin.
 *
 * @param stdin read only when `-` is among the arguments
 * @throws {QueueError} code 'usage'
 */
export async function readIds(words: readonly string[], stdin: AsyncIterable<Uint8Array | string>): Promise<number[]> {
  const ids = new Set<number>();
  for (const word of words) {
    if (word !== '-') ids.add(parseId(word));
    else for (const id of await idsFrom(stdin)) ids.add(id);
  }
  return [...ids];
}

export function parseId(word: string): number {
  const id = Number(word);
  if (!/^\d+$/.test(word) || !Number.isSafeInteger(id) || id === 0) {
    const bare = /^#(\d+)$/.exec(word)?.[1];
    const hint =
      bare === undefined ? 'Ids are whole numbers: syncq inspect shows them.' : `Write ${bare}, without the #.`;
    throw new QueueError('usage', 'this is no item id', { hint });
  }
  return id;
}

async function idsFrom(stdin: AsyncIterable<Uint8Array | string>): Promise<number[]> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    size += bytes.length;
    if (size > MOST_BYTES)
      throw new QueueError('usage', `more than ${MOST_BYTES} bytes of ids on stdin; nothing was changed`);
    chunks.push(bytes);
  }
  return parseIds(Buffer.concat(chunks).toString('utf8'));
}

/**
 * Ids separated by white space, or one JSON object with an `id` per line (as `inspect --json` and `watch --json`
 * print).
 */
export function parseIds(text: string): number[] {
  const ids: number[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed.startsWith('{')) ids.push(idOfObject(trimmed, at + 1));
    else if (trimmed !== '') ids.push(...trimmed.split(/\s+/).map((word) => inLine(at + 1, () => parseId(word))));
  }
  return ids;
}

function idOfObject(line: string, number: number): number {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  const object = (value ?? {}) as { id?: unknown; item?: unknown };
  const id = object.id ?? object.item;
  if (typeof id !== 'number') {
    throw new QueueError('usage', `stdin, line ${number}: no JSON object with a numeric "id"`, {
      hint: 'One object a line: syncq inspect --json | jq -c ".items[]" makes them.',
    });
  }
  return inLine(number, () => parseId(String(id)));
}

function inLine<T>(number: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof QueueError)) throw error;
    throw new QueueError(
      'usage',
      `stdin, line ${number}: ${error.message}`,
      error.hint === undefined ? {} : { hint: error.hint },
    );
  }
}
