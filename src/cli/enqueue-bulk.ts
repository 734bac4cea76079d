/** `enqueue --from`: streams a file or stdin into the queue and tells what became of its lines. */
import { oneLine } from '../render/printable.js';
import type { Rejected } from './bulk-input.js';
import { bulkChunks, readBulk } from './bulk-input.js';
import type { Answer } from './enqueue-one.js';
import { EXIT } from './exit-codes.js';
import type { CliQueue } from './open-queue.js';
import { countWords } from './usage.js';

export interface BulkFlags {
  from: string;
  partial: boolean;
  stream: boolean;
}

/** Bad lines that are told one by one on stderr; --json has them all. */
const MOST_TOLD = 20;

/** @throws {QueueError} the first bad line, with its number, unless `--partial` */
export async function enqueueBulk(
  { from, partial, stream }: BulkFlags,
  { queue, config }: CliQueue,
  stdin: AsyncIterable<Uint8Array>,
  onLines: (count: number) => void,
): Promise<Answer> {
  const input = readBulk(bulkChunks(from, stdin, !stream), {
    context: await queue.draftContext(),
    partial,
    safe: stream ? 'the batches before it are stored' : 'nothing was stored',
    mostLines: stream ? undefined : config.limits.batchLines,
    onLines,
  });
  const { firstId, lastId, count, duplicates } = await queue.bulk(input.batches, {
    mode: stream ? 'stream' : 'atomic',
  });
  const rejected = input.rejected.map(({ line, message }) => ({ line, message }));
  return {
    document: { firstId: firstId ?? null, lastId: lastId ?? null, count, duplicates, rejected },
    lines: firstId === undefined ? [] : [`${firstId} ${lastId ?? firstId}`],
    code: rejected.length === 0 ? EXIT.ok : EXIT.needsPerson,
    talk: [
      `${countWords(count)} stored${duplicates === 0 ? '' : `, ${duplicates} of them were there already`}${rejected.length === 0 ? '' : `, ${countWords(rejected.length, 'line')} refused`}`,
      ...rejectedLines(rejected),
    ],
  };
}

function rejectedLines(rejected: readonly Rejected[]): string[] {
  const lines = rejected.slice(0, MOST_TOLD).map(({ line, message }) => `line ${line}: ${oneLine(message)}`);
  return rejected.length > MOST_TOLD
    ? [...lines, `and ${rejected.length - MOST_TOLD} more: --json lists them all`]
    : lines;
}
