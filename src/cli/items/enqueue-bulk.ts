/** `enqueue --from`: streams a file or stdin into the queue and tells what became of its lines. */
import { systemClock } from '../../core/nouns/clock.js';
import type { Queue } from '../../core/index.js';
import { contextOf, type DraftContext } from '../../core/input/draft.js';
import { oneLine } from '../../render/printable.js';
import type { BulkInput, BulkSource, Rejected } from './bulk-input.js';
import { openBulk, readBulk } from './bulk-input.js';
import type { Answer } from './enqueue.js';
import { EXIT } from '../program/exit-codes.js';
import type { BeforeMaking, CliQueue } from '../queue/open-queue.js';
import { countWords } from '../program/usage.js';

export interface BulkFlags {
  from: string;
  partial: boolean;
  stream: boolean;
}

/** Bad lines that are told one by one on stderr; --json has them all. */
const MOST_TOLD = 20;

/** @throws {QueueError} the first bad line, with its number, unless `--partial` */
export async function enqueueBulk(
  flags: BulkFlags,
  open: (before: BeforeMaking) => Promise<CliQueue>,
  stdin: AsyncIterable<Uint8Array>,
  onLines: (count: number) => void,
): Promise<Answer> {
  const { from, partial, stream } = flags;
  let source: BulkSource | undefined;
  try {
    const { queue } = await open(async (config) => {
      source = await openBulk(from, stdin, !stream);
      if (source.again === undefined) return true;
      const { batches } = inputOf(source, contextOf(config, systemClock.now()), flags, undefined);
      return stream || partial ? hasAny(batches) : hasOnlyGood(batches);
    });
    source ??= await openBulk(from, stdin, !stream);
    const input = inputOf(source, await queue.draftContext(), flags, onLines);
    const report = await queue.bulk(input.batches, {
      mode: stream ? 'stream' : 'atomic',
      onConflict: input.onConflict,
    });
    return answerOf(report, input.rejected);
  } finally {
    source?.close();
  }
}

function inputOf(
  source: BulkSource,
  context: DraftContext,
  { partial, stream }: BulkFlags,
  onLines: ((count: number) => void) | undefined,
): BulkInput {
  return readBulk(source.chunks(), {
    context,
    partial,
    safe: stream ? 'the batches before it are stored' : 'nothing was stored',
    mostLines: stream ? undefined : context.limits.batchLines,
    onLines,
    again: stream ? undefined : source.again,
  });
}

function answerOf(
  { firstId, lastId, count, duplicates }: Awaited<ReturnType<Queue['bulk']>>,
  refused: readonly Rejected[],
): Answer {
  // A line whose key has other content is found while its batch is stored, behind those that could not be read.
  const rejected = refused.toSorted((a, b) => a.line - b.line).map(({ line, message }) => ({ line, message }));
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

/** False when no line is good: then no queue need be made. */
async function hasAny(batches: BulkInput['batches']): Promise<boolean> {
  for await (const _batch of batches) return true;
  return false;
}

/** @throws {QueueError} the first bad line: with all or nothing, no queue need be made for the others */
async function hasOnlyGood(batches: BulkInput['batches']): Promise<boolean> {
  for await (const _batch of batches);
  return true;
}

function rejectedLines(rejected: readonly Rejected[]): string[] {
  const lines = rejected.slice(0, MOST_TOLD).map(({ line, message }) => `line ${line}: ${oneLine(message)}`);
  return rejected.length > MOST_TOLD
    ? [...lines, `and ${rejected.length - MOST_TOLD} more: --json lists them all`]
    : lines;
}
