/** Prints a rehearsal: one line or one NDJSON object per request, and a summary. */
import type { JournalEntry, RehearsalSummary } from '../core/rehearse/server.js';
import type { JsonObject } from './json.js';
import { isoTime } from './json.js';
import { oneLine } from './printable.js';

/** The journal's line; also the `request` event of --json. */
export function journalDocument(entry: JournalEntry): JsonObject {
  return {
    n: entry.n,
    at: isoTime(entry.at),
    method: entry.method,
    path: entry.path,
    key: entry.key ?? null,
    bytes: entry.bytes,
    sha256: entry.sha256,
    contentType: entry.contentType ?? null,
    authorized: entry.authorized,
    step: entry.step ?? null,
    answer: entry.answer,
    replayed: entry.replayed,
    violation: entry.violation ?? null,
  };
}

const VIOLATIONS = {
  'key-reused': 'VIOLATION: the key came before with another request',
  'no-key': 'VIOLATION: a write without an idempotency key',
} as const;

/** `17 POST /activities 201 312 bytes`. */
export function journalLine(entry: JournalEntry): string {
  const notes = [
    entry.replayed ? 'the stored answer again' : undefined,
    entry.violation === undefined ? undefined : VIOLATIONS[entry.violation],
  ].filter((note) => note !== undefined);
  const note = notes.length === 0 ? '' : ` (${notes.join('; ')})`;
  return oneLine(`${entry.n} ${entry.method} ${entry.path} ${entry.answer} ${entry.bytes} bytes${note}`);
}

export function rehearsalDocument({ requests, effects, replayed, violations, answers }: RehearsalSummary): JsonObject {
  return { requests, effects, replayed, violations, answers };
}

export function rehearsalLine({ requests, effects, replayed, violations, answers }: RehearsalSummary): string {
  const counts = Object.entries(answers).map(([answer, count]) => `${answer}: ${count}`);
  const detail = counts.length === 0 ? '' : ` (${counts.join(', ')})`;
  return `${requests} requests${detail}; ${effects} had an effect, ${replayed} got their stored answer again, ${violations} broke a promise`;
}
