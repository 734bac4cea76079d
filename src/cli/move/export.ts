/** `export`: format, output, redaction and the answer. */
import { createHash, randomBytes } from 'node:crypto';
import { compileSensitive, EVERYTHING } from '../../core/privacy/sensitive.js';
import type { Filter } from '../../core/index.js';
import { VERSION } from '../../core/index.js';
import { AtomicFile } from '../../core/files/atomic-file.js';
import { assertFree } from '../../core/files/new-file.js';
import type { ExportFormat, ExportOptions } from '../../core/transfer/export.js';
import { exportBundle, exportText } from '../../core/transfer/export.js';
import { Masker } from '../../core/transfer/redact/masker.js';
import { Redactor } from '../../core/transfer/redact/redactor.js';
import type { JsonObject } from '../../render/json.js';
import { oneLine } from '../../render/printable.js';
import { environment } from '../program/environment.js';
import type { CliQueue } from '../queue/open-queue.js';
import { writeOut } from '../program/output.js';
import { refuseQueueFile } from '../program/output-file.js';
import { countWords, refuseUsage } from '../program/usage.js';

export interface ExportFlags {
  format: ExportFormat | undefined;
  output: string | undefined;
  redact: boolean;
  /** Name of the environment variable that holds the key. */
  redactKey: string | undefined;
  /** It goes to a screen: what is sensitive is hidden. */
  masks: boolean;
}

export interface ExportAnswer {
  document: JsonObject;
  talk: string[];
  count: number;
}

/** @throws {QueueError} usage, unwritable, disk-full */
export async function exportItems(
  { queue, config, maskAll }: CliQueue,
  filter: Filter,
  flags: ExportFlags,
  { now, onProgress, onTaken }: ExportContext,
): Promise<ExportAnswer> {
  const format = flags.format ?? (flags.output === undefined ? 'ndjson' : 'bundle');
  const everything = maskAll || config.sensitive.length === 0;
  const redactor = flags.redact
    ? new Redactor(everything ? EVERYTHING : compileSensitive(config.sensitive), redactKey(flags.redactKey))
    : undefined;
  const masked = flags.masks && (maskAll || config.sensitive.length > 0);
  const masker = masked ? new Masker(maskAll ? EVERYTHING : compileSensitive(config.sensitive)) : undefined;
  const options: ExportOptions = { filter, config, redactor: redactor ?? masker, onProgress };
  const redaction = {
    redacted: redactor !== undefined,
    everything: redactor !== undefined && everything,
    masked,
  };
  if (flags.output === undefined) {
    if (format === 'bundle')
      refuseUsage(
        'a bundle goes into a file',
        'Name it with --output FILE: it is written whole or not at all, for your eyes only.',
      );
    await onTaken((await queue.archive.extent(filter)).count, format);
    const count = await exportText(queue.archive, format, options, writeOut);
    return answer({ file: undefined, format, count, bytes: undefined, sha256: undefined, ...redaction });
  }
  assertFree(flags.output);
  refuseQueueFile(flags.output, queue.location);
  // Do not create a file without items.
  const { count: found } = await queue.archive.extent(filter);
  if (found === 0)
    return answer({ file: undefined, format, count: 0, bytes: undefined, sha256: undefined, ...redaction });
  const file = new AtomicFile(flags.output);
  try {
    await onTaken(found, format);
    if (format === 'bundle') {
      const header = await exportBundle(queue.archive, { ...options, now, version: VERSION }, file);
      return answer({
        file: flags.output,
        format,
        count: header.items,
        bytes: file.bytes,
        sha256: header.sha256,
        ...redaction,
      });
    }
    const count = await exportText(queue.archive, format, options, (text) => file.write(text));
    file.commit();
    return answer({ file: flags.output, format, count, bytes: file.bytes, sha256: undefined, ...redaction });
  } finally {
    file.discard();
  }
}

interface ExportContext {
  now: number;
  onProgress: (done: number, total: number) => void | Promise<void>;
  /** Before anything goes out: so many items, as they are or as they may be shown. */
  onTaken: (count: number, format: ExportFormat) => Promise<void>;
}

interface Facts {
  file: string | undefined;
  format: ExportFormat;
  count: number;
  bytes: number | undefined;
  sha256: string | undefined;
  redacted: boolean;
  /** No field is marked as sensitive, so every value was replaced. */
  everything: boolean;
  /** Sensitive values were hidden, because a screen shows them. */
  masked: boolean;
}

function answer({ everything, masked, ...facts }: Facts): ExportAnswer {
  const { file, format, count, bytes, sha256, redacted } = facts;
  const where = file === undefined ? '' : ` to ${file} (${format}, mode 0600)`;
  return {
    count,
    document: { file: file ?? null, format, count, bytes: bytes ?? null, sha256: sha256 ?? null, redacted },
    talk: [
      ...(everything ? ['the config names no sensitive fields: every value of the payloads has a stand-in'] : []),
      oneLine(`${countWords(count)} exported${where}${redacted ? ', personal data replaced by stand-ins' : ''}`),
      ...(masked ? ['sensitive values are hidden on a terminal: --reveal shows them, and that is recorded'] : []),
      ...(redacted || masked || format === 'curl' || count === 0
        ? []
        : ['it holds everything that was sent and answered; --redact replaces what the config calls sensitive']),
    ],
  };
}

/** A new key for each export unless one is named, so that nobody can guess values from the file. */
function redactKey(name: string | undefined): Uint8Array {
  if (name === undefined) return randomBytes(32);
  const value = environment()[name] ?? '';
  if (value.length < 16) {
    refuseUsage(
      `the environment variable ${name} holds no key of 16 characters or more`,
      'Make one with: openssl rand -hex 32',
    );
  }
  return createHash('sha256').update(value).digest();
}
