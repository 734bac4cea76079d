/**
 * Runs the rehearsal server until a signal ends it; writes the journal to disk and the requests to stdout, in order.
 */
import { closeSync, constants, readFileSync, writeSync } from 'node:fs';
import { systemClock } from '../../core/nouns/clock.js';
import { QueueError } from '../../core/nouns/errors.js';
import { parseScript } from '../../core/rehearse/script.js';
import type { JournalEntry, RehearsalSummary } from '../../core/rehearse/server.js';
import { startRehearsal } from '../../core/rehearse/server.js';
import { journalDocument } from '../../render/rehearse.js';
import { jsonLine } from '../../render/json.js';
import { openNoLink } from '../../core/files/private-file.js';
import { fileError } from '../../core/files/read-file.js';
import { OutputClosed } from '../program/output.js';
import { inFlag } from '../items/filters.js';

export interface RehearsalRun {
  port: number;
  /** The script, or `@FILE`. */
  script: string;
  journal: string | undefined;
  stop: AbortSignal;
  onListening: (url: string) => Promise<void>;
  onRequest: (entry: JournalEntry) => Promise<void>;
}

/** @throws {QueueError} code 'usage': script, port or journal */
export async function rehearse(options: RehearsalRun): Promise<RehearsalSummary> {
  const steps = inFlag('script', () => parseScript(scriptText(options.script)));
  const journal = options.journal === undefined ? undefined : openJournal(options.journal);
  const over = new AbortController();
  let printed: Promise<void> = Promise.resolve();
  let failure: { error: unknown } | undefined;
  const print = (entry: JournalEntry): void => {
    printed = printed
      .then(() => options.onRequest(entry))
      .catch((error: unknown) => {
        failure ??= { error };
        over.abort();
      });
  };
  const onRequest = (entry: JournalEntry): void => {
    if (journal !== undefined) writeSync(journal, jsonLine(journalDocument(entry)));
    print(entry);
  };
  try {
    const server = await startRehearsal({ port: options.port, steps, clock: systemClock, onRequest });
    try {
      await options.onListening(server.url);
      await aborted(AbortSignal.any([options.stop, over.signal]));
    } finally {
      await server.close();
    }
    await printed;
    if (failure !== undefined && !(failure.error instanceof OutputClosed)) throw failure.error;
    return server.summary();
  } finally {
    if (journal !== undefined) closeSync(journal);
  }
}

function scriptText(given: string): string {
  if (!given.startsWith('@')) return given;
  const path = given.slice(1);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fileError(path, error);
  }
}

/** Appends: one journal may hold several rehearsals. */
function openJournal(path: string): number {
  try {
    return openNoLink(path, constants.O_APPEND | constants.O_WRONLY);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    const hint = code === 'ELOOP' ? 'it is a symbolic link: name the file itself' : undefined;
    throw new QueueError('usage', `the journal ${path} cannot be written (${code})`, { cause: error, hint });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
