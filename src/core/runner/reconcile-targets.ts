/** Compares the config with the queue's targets when a runner starts: new, lost and moved targets. */
import { movedReason } from '../policy/moved-target.js';
import { isMoved } from '../policy/person-commands.js';
import { enterState } from '../policy/target-state.js';
import type { Clock } from '../nouns/clock.js';
import type { Session, Store, TargetUpdate } from '../store/store.js';
import type { HoldKind, TargetRow } from '../nouns/target.js';
import { configOf, type Channels } from './channels.js';

export interface StartDeps {
  session: Session;
  store: Store;
  channels: Channels;
  clock: Clock;
}

export async function reconcileTargets({ session, store, channels, clock }: StartDeps): Promise<{
  updates: TargetUpdate[];
  rows: readonly TargetRow[];
}> {
  const { config } = channels;
  const facts = [...config.targets.values()].map(({ name, order }) => ({ name, order, implicitBaseUrl: undefined }));
  const only = config.targets.size === 1 ? [...config.targets.keys()][0] : undefined;
  const now = clock.now();
  const rows = await session.syncTargets(facts, config.defaultTarget ?? only, now);
  const updates: TargetUpdate[] = [];
  for (const row of rows) {
    const baseUrl = configOf(row, config)?.baseUrl;
    const moved = baseUrl !== undefined && hasMoved(row.boundTo, baseUrl);
    const openAttempts = moved && (await store.hasOpenAttempts(row.id));
    const change = changeAtStart(row, baseUrl, openAttempts, now);
    if (change !== undefined) updates.push({ target: row.id, ...change });
  }
  return { updates, rows };
}

/** True when attempts went to another origin than the one the config names now. */
function hasMoved(boundTo: string | undefined, baseUrl: string): boolean {
  return boundTo !== undefined && new URL(boundTo).origin !== new URL(baseUrl).origin;
}

type Change = Pick<TargetUpdate, 'change' | 'note'>;

/** Pure: the change that the config asks of one target; undefined = none. */
export function changeAtStart(
  row: TargetRow,
  baseUrl: string | undefined,
  openAttemptsElsewhere: boolean,
  now: number,
): Change | undefined {
  if (baseUrl === undefined) {
    return hold(row, 'config', notInConfig(row.name), now);
  }
  if (openAttemptsElsewhere) {
    return hold(row, 'binding', movedReason(row.name, row.boundTo ?? '', baseUrl), now);
  }
  const bind = row.boundTo === baseUrl ? {} : { boundTo: baseUrl };
  // Holds that the config alone explains are over; preparation checks credentials and files.
  const isMended = isMoved(row) || (row.state === 'misconfigured' && row.reason === notInConfig(row.name));
  const change = { ...bind, ...(isMended ? enterState(row, now, 'untried', undefined) : {}) };
  return Object.keys(change).length === 0 ? undefined : { change, note: undefined };
}

const notInConfig = (name: string): string => `target ${name} is not in the config`;

function hold(row: TargetRow, kind: HoldKind, reason: string, now: number): Change | undefined {
  if (row.state === 'misconfigured' && row.holdKind === kind && row.reason === reason) return undefined;
  return { change: enterState(row, now, 'misconfigured', reason, undefined, kind), note: reason };
}
