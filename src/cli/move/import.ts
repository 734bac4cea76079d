/** `import`: reads a bundle or a table, and reports what was stored. */
import { readFileSync } from 'node:fs';
import type { Actor } from '../../core/index.js';
import type { CommandQueue } from '../../core/queue/queue.js';
import { importBundle } from '../../core/transfer/import.js';
import { importAppTable } from '../../core/transfer/foreign/import-table.js';
import type { Mapping } from '../../core/transfer/foreign/mapping.js';
import { decodeText } from '../../core/check/text.js';
import { parseMapping, READY_MAPPINGS } from '../../core/transfer/foreign/mapping.js';
import type { JsonObject } from '../../render/json.js';
import { oneLine } from '../../render/printable.js';
import { fileError } from '../../core/files/read-file.js';
import type { CliQueue } from '../queue/open-queue.js';
import { countWords, refuseUsage } from '../program/usage.js';

type StoreReport = Awaited<ReturnType<CommandQueue['archive']['store']>>;

export interface ImportFlags {
  /** A bundle. */
  file: string | undefined;
  /** An app's SQLite file. */
  sqlite: string | undefined;
  table: string | undefined;
  /** Name of a built-in mapping, or the path of one. */
  map: string;
  asPaused: boolean;
}

export interface ImportAnswer {
  document: JsonObject;
  lines: string[];
  talk: string[];
}

interface Context {
  by: Actor;
  now: number;
  onProgress: (done: number, total: number) => void | Promise<void>;
}

export async function importItems({ queue }: CliQueue, flags: ImportFlags, context: Context): Promise<ImportAnswer> {
  const { file, sqlite, asPaused } = flags;
  const draftContext = await queue.draftContext();
  if (file !== undefined) {
    const report = await importBundle(queue.archive, file, { asPaused, context: draftContext, ...context });
    return answer(report, { redacted: report.header.redacted, skipped: 0 });
  }
  const mapping = readMapping(flags.map);
  const name =
    flags.table ?? mapping.table ?? refuseUsage('no table is named', 'Name it with --table, or in the mapping.');
  const { skipped, ...report } = await importAppTable(queue.archive, sqlite ?? '', {
    name,
    mapping,
    context: draftContext,
    asPaused,
    ...context,
  });
  return answer(report, { redacted: false, skipped });
}

function readMapping(given: string): Mapping {
  const ready = READY_MAPPINGS.get(given);
  if (ready !== undefined) return ready;
  try {
    const text = decodeText(readFileSync(given));
    return parseMapping(
      text ?? refuseUsage(`the mapping ${given} is not UTF-8 text; nothing was stored`, 'Save it as UTF-8.'),
    );
  } catch (error) {
    throw fileError(given, error);
  }
}

function answer(report: StoreReport, { redacted, skipped }: { redacted: boolean; skipped: number }): ImportAnswer {
  const { firstId, lastId, count, duplicates, paused } = report;
  return {
    document: { firstId: firstId ?? null, lastId: lastId ?? null, count, duplicates, skipped, redacted, paused },
    lines: firstId === undefined ? [] : [`${firstId} ${lastId ?? firstId}`],
    talk: [
      `${countWords(count - duplicates)} imported${duplicates === 0 ? '' : `, ${duplicates} ${duplicates === 1 ? 'was' : 'were'} there already`}${skipped === 0 ? '' : `, ${countWords(skipped, 'row')} left out by the mapping`}`,
      ...(redacted ? ['its values are stand-ins, so its targets are paused; syncq replay sends copies elsewhere'] : []),
      ...(paused.length === 0 ? [] : [oneLine(`paused: ${paused.join(', ')}; go on with: syncq resume NAME`)]),
    ],
  };
}
