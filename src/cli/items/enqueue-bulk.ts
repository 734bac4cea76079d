/** `enqueue --from`: stores the lines of a file or stdin, and reports the result. */
import { systemClock } from '../../core/nouns/clock.js';
import type { EnqueueFromReport } from '../../core/index.js';
import { BulkReader } from '../../core/input/bulk-reader.js';
import { openBulk, type OpenSource } from '../../core/input/bulk-source.js';
import { contextOf } from '../../core/input/draft.js';
import { oneLine } from '../../render/printable.js';
import type { Answer } from './enqueue.js';
import { EXIT } from '../program/exit-codes.js';
import type { Progress } from '../program/progress.js';
import { hearSignals } from '../program/signals.js';
import type { BeforeMaking, CliQueue } from '../queue/open-queue.js';
import { countWords } from '../program/usage.js';

interface BulkFlags {
  from: string;
  partial: boolean;
  stream: boolean;
}

const LF = 10;
/** Most bad lines that are listed on stderr; --json has all of them. */
const MOST_LISTED = 20;
/** Most items that are checked before a queue file is created for all-or-nothing input. */
const MOST_CHECKED = 20_000;

/** @throws {QueueError} the first bad line, with its number, unless `--partial` */
export async function enqueueBulk(
  flags: BulkFlags,
  open: (before: BeforeMaking) => Promise<CliQueue>,
  stdin: AsyncIterable<Uint8Array>,
  progress: Progress,
): Promise<Answer> {
  const { from, partial, stream } = flags;
  const given = from === '-' ? stdin : from;
  let source: OpenSource | undefined;
  try {
    const { queue } = await open(async (config) => {
      source = await openBulk(given, !stream);
      if (source.again === undefined) return true;
      const reader = new BulkReader(source, { context: contextOf(config, systemClock.now()), partial, stream });
      return isWorthAQueue(reader, stream || partial ? 1 : MOST_CHECKED);
    });
    const total = progress.isShown && source?.again !== undefined ? countLines(source.again()) : undefined;
    const onLines = async (count: number): Promise<void> => {
      progress.update(count, total);
      await hearSignals();
    };
    return answerOf(await queue.enqueueFrom(source?.chunks ?? given, { partial, stream, onLines }));
  } finally {
    source?.close();
  }
}

function countLines(chunks: Iterable<Uint8Array>): number {
  let count = 0;
  for (const chunk of chunks) for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) count += 1;
  return count;
}

/**
 * Checks the beginning of the input before a missing queue is created, so that a mistake there leaves no file behind.
 * Returns false when no line is good.
 *
 * @param most items that are checked; a later mistake is found when it is stored, and leaves an empty queue
 * @throws {QueueError} the first bad line, unless bad lines are only listed
 */
async function isWorthAQueue(reader: BulkReader, most: number): Promise<boolean> {
  let count = 0;
  for await (const batch of reader) {
    count += batch.length;
    if (count >= most) break;
  }
  return count > 0;
}

function answerOf({ firstId, lastId, count, duplicates, rejected: refused }: EnqueueFromReport): Answer {
  const rejected = refused.map(({ line, message }) => ({ line, message }));
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

function rejectedLines(rejected: EnqueueFromReport['rejected']): string[] {
  const lines = rejected.slice(0, MOST_LISTED).map(({ line, message }) => `line ${line}: ${oneLine(message)}`);
  return rejected.length > MOST_LISTED
    ? [...lines, `and ${rejected.length - MOST_LISTED} more: --json lists them all`]
    : lines;
}
