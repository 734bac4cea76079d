/** Prints targets for `target list` and `target test`. */
import type { TargetStateName } from '../core/nouns/item.js';
import { span } from '../core/policy/time-words.js';
import type { ProbeResult } from '../core/send/result.js';
import type { JsonObject } from './json.js';
import { isoTime } from './json.js';
import { oneLine } from './printable.js';
import type { Look } from './style.js';
import { renderTable } from './table.js';

/** A target as known from config and queue. */
export interface ShownTarget {
  name: string;
  /** Undefined when it is only in the queue. */
  baseUrl: string | undefined;
  isDefault: boolean;
  /** `config`, `implicit` (from an absolute URL), or `missing`: the queue has items for it, but the config lacks it. */
  origin: 'config' | 'implicit' | 'missing';
  state: TargetStateName;
  since: number | undefined;
  until: number | undefined;
  reason: string | undefined;
  pending: number;
  review: number;
}

export function targetDocument(target: ShownTarget): JsonObject {
  return {
    name: target.name,
    baseUrl: target.baseUrl ?? null,
    default: target.isDefault,
    origin: target.origin,
    state: target.state,
    since: isoTime(target.since),
    until: isoTime(target.until),
    reason: target.reason ?? null,
    pending: target.pending,
    review: target.review,
  };
}

export async function targetTable(targets: readonly ShownTarget[], look: Look): Promise<string[]> {
  const columns = [
    { title: 'NAME', flexible: true },
    { title: 'STATE' },
    { title: 'PENDING', align: 'right' as const },
    { title: 'REVIEW', align: 'right' as const },
    // Never cut: two servers may differ in its last letters.
    { title: 'BASE URL' },
    { title: 'REASON', flexible: true },
  ];
  const rows = targets.map((target) => [
    target.isDefault && look.terminal ? `${target.name} (default)` : target.name,
    target.state,
    String(target.pending),
    String(target.review),
    target.baseUrl ?? '-',
    target.reason ?? (target.origin === 'missing' ? 'not in the config' : '-'),
  ]);
  return renderTable(columns, rows, look);
}

const CREDENTIAL = {
  accepted: ', and accepts the credential',
  unknown: '; that does not tell whether it accepts the credential',
  none: '',
};

/** One line: does it answer, and accept the credential? */
export function probeLine(name: string, probe: ProbeResult): string {
  if (probe.kind === 'reachable' && probe.doubt !== undefined) return oneLine(`${name} ${probe.doubt}`);
  if (probe.kind === 'reachable') {
    const answer = probe.status === undefined ? 'a connection came about' : `it answered ${probe.status}`;
    return oneLine(
      `${name} is reachable: ${answer} after ${span(probe.durationMs)}${CREDENTIAL[probe.credential ?? 'none']}`,
    );
  }
  const words = probe.kind === 'unreachable' ? 'cannot be reached' : 'is set up wrongly';
  return oneLine(`${name} ${words}: ${probe.message}`);
}

export function probeDocument(name: string, probe: ProbeResult, notes: readonly string[] = []): JsonObject {
  const doubt = probe.kind === 'reachable' ? probe.doubt : undefined;
  return {
    target: name,
    reachable: doubt === undefined ? probe.kind === 'reachable' : null,
    result: doubt === undefined ? probe.kind : 'doubtful',
    status: probe.kind === 'reachable' ? (probe.status ?? null) : null,
    message: probe.kind === 'reachable' ? (doubt ?? null) : probe.message,
    credential: probe.kind === 'reachable' ? (probe.credential ?? null) : probe.code === 'auth' ? 'refused' : null,
    durationMs: Math.round(probe.durationMs),
    notes: [...notes],
  };
}
