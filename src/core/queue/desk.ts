/**
 * What people do to items and targets, over any store. Claims of a dead runner are settled first, so that nobody has to
 * start a runner only to discard an item.
 */
import { QueueError } from '../nouns/errors.js';
import type { Entity, ItemDetail } from '../nouns/item.js';
import type { SendingDeps } from '../runner/sending.js';
import type {
  Actor,
  ChangeReport,
  EraseReport,
  Filter,
  PauseScope,
  PersonCommand,
  PruneReport,
  Revision,
  RunnerInfo,
  Store,
} from '../store/store.js';
import { ageTable, type AgeRow } from '../policy/ages.js';
import { editItem, type Edited, type ItemEdits } from '../input/edit-item.js';
import { hasRules, PRUNE_BATCH, pruneRules } from '../policy/retention.js';
import * as read from './arguments.js';

/** What people do to items and targets; `Queue.retry` stands beside it. Every call writes the history. */
export interface Desk {
  /** What edits replaced, oldest first, without the payloads. */
  revisions(id: number): Promise<Revision[]>;
  /** How old the unfinished items are; the first row is the sum of all targets. */
  ages(): Promise<AgeRow[]>;
  /** Gives items up: they are never sent. */
  discard(filter: Filter, options: DeskOptions): Promise<ChangeReport>;
  /** Marks items as completed that were carried out in another way. */
  complete(filter: Filter, options: DeskOptions): Promise<ChangeReport>;
  /** Holds a target, an entity or everything back. `until`: epoch ms; default: until `resume`. */
  pause(what: PauseScope, by: Actor, options?: { until?: number | undefined }): Promise<ChangeReport>;
  /** Ends a pause, or the hold of a target that syncq stopped itself. */
  resume(what: PauseScope, by: Actor): Promise<ChangeReport>;
  /** Accepts a changed base URL of a target. `baseUrl`: default: the one in the config. */
  acceptTarget(name: string, by: Actor, options?: { baseUrl?: string | undefined }): Promise<ChangeReport>;
  /** Renames a target in the queue, not in the config. */
  renameTarget(from: string, to: string, by: Actor): Promise<ChangeReport>;
  /** Changes what an item sends; the old version is kept, the new one gets its own key. */
  edit(id: number, edits: ItemEdits, by: Actor, options?: EditOptions): Promise<EditResult>;
  /** Puts an item into review (reason `editing`) while a person has it open; `endEdit` puts it back. */
  beginEdit(id: number, by: Actor, options?: EditOptions): Promise<OpenEdit>;
  /** Works out an edit without saving it. @throws {QueueError} bad-item, too-large */
  checkEdit(open: Pick<OpenEdit, 'item'>, edits: ItemEdits): Edited;
  /** Saves an open edit. Abandons it when `edits` is undefined or changes nothing. */
  endEdit(open: OpenEdit, edits: ItemEdits | undefined, by: Actor): Promise<EditResult | undefined>;
  /** Removes payloads, old versions and answers of all items about one entity; discards unfinished ones. */
  erase(entity: Entity, options: DeskOptions): Promise<EraseReport>;
  /** Applies the retention rules of the config. */
  prune(options: PruneOptions): Promise<PruneReport>;
}

export interface DeskOptions {
  /** Reports what would change and changes nothing. */
  dryRun: boolean;
  by: Actor;
}

/** `onProgress`: called with what was removed so far; awaited. */
export interface PruneOptions extends DeskOptions {
  onProgress?: (done: number) => void | Promise<void>;
}

/** `yes`: edit even if the server may already have the item and could end up with both versions. Default: `confirm-needed`. */
export interface EditOptions {
  yes?: boolean;
}

/** An item that somebody has open in an editor. */
export interface OpenEdit {
  item: ItemDetail;
  /** Its state before. */
  from: ItemDetail['state'];
  token: number;
}

export interface EditResult {
  item: ItemDetail;
  fields: readonly string[];
  /** The server may already have the old version. */
  unknown: boolean;
  kinds: Edited['kinds'];
}

export function openDesk(deps: SendingDeps): Desk {
  const end = async (kind: 'discard' | 'complete', filter: Filter, options: DeskOptions): Promise<ChangeReport> => {
    const { dryRun, by } = read.deskOptions(options);
    return carryOut(deps, { kind, filter: read.filter(filter), dryRun }, by);
  };
  return {
    revisions: async (id) => deps.store.revisions(read.id(id)),
    ages: async () => ageTable(await deps.store.ages(deps.clock.now())),
    discard: async (filter, options) => end('discard', filter, options),
    complete: async (filter, options) => end('complete', filter, options),
    pause: async (what, by, options = {}) => {
      const { until } = read.pauseOptions(options);
      return carryOut(deps, { kind: 'pause', what: read.pauseScope(what), until }, read.actor(by));
    },
    resume: async (what, by) => carryOut(deps, { kind: 'resume', what: read.pauseScope(what) }, read.actor(by)),
    acceptTarget: async (name, by, options = {}) => {
      // The config decides: a watch that has not read it yet must not bind the old URL again.
      const { baseUrl = deps.config.targets.get(read.targetName(name))?.baseUrl } = read.acceptOptions(options);
      return carryOut(deps, { kind: 'accept-target', name, baseUrl }, read.actor(by));
    },
    renameTarget: async (from, to, by) =>
      carryOut(deps, { kind: 'rename-target', from: read.targetName(from), to: read.targetName(to) }, read.actor(by)),
    edit: async (id, edits, by, options = {}) =>
      edit(deps, read.id(id), read.edits(edits), read.actor(by), read.editOptions(options)),
    beginEdit: async (id, by, options = {}) => beginEdit(deps, read.id(id), read.actor(by), read.editOptions(options)),
    checkEdit: ({ item }, edits) => rewrite(deps, item, read.edits(edits)),
    endEdit: async (open, edits, by) =>
      endEdit(deps, open, edits === undefined ? undefined : read.edits(edits), read.actor(by)),
    erase: async (entity, options) => erase(deps, read.entity(entity), read.deskOptions(options)),
    prune: async (options) => prune(deps, read.pruneOptions(options)),
  };
}

/** A dry run of `prune` counts up to here. */
const MOST_COUNTED = 10_000_000;

/** Carries out a command; settles items first that a dead runner left in state `sending`. */
export async function carryOut(deps: SendingDeps, command: PersonCommand, by: Actor): Promise<ChangeReport> {
  const first = await deps.store.change(command, by, deps.clock.now());
  const stuck = first.skipped.filter(({ state }) => state === 'sending').map(({ id }) => id);
  if (stuck.length === 0 || ('dryRun' in command && command.dryRun)) return first;
  const runner = await deps.store.runner();
  if (runner !== undefined || !(await recoverClaims(deps))) return sayWhoSends(first, runner);
  const again = 'filter' in command ? { ...command, filter: { ids: stuck } } : command;
  return merge(first, await deps.store.change(again, by, deps.clock.now()));
}

/** Loaded late: sending is half of the core. */
async function recoverClaims(deps: SendingDeps): Promise<boolean> {
  const runner = await import('../runner/recover-claims.js');
  return runner.recoverClaims(deps);
}

function sayWhoSends(report: ChangeReport, runner: RunnerInfo | undefined): ChangeReport {
  const who = runner === undefined ? 'another runner' : `pid ${runner.pid} (${runner.kind})`;
  const skipped = report.skipped.map((entry) =>
    entry.state === 'sending' ? { ...entry, reason: `it is being sent by ${who}; try again in a moment` } : entry,
  );
  return { ...report, skipped };
}

function merge(first: ChangeReport, second: ChangeReport): ChangeReport {
  const from = { ...first.from };
  for (const [state, count] of Object.entries(second.from) as [keyof typeof from, number][])
    from[state] = (from[state] ?? 0) + count;
  return {
    ...second,
    changed: [...first.changed, ...second.changed].sort((a, b) => a - b),
    skipped: [...first.skipped.filter(({ state }) => state !== 'sending'), ...second.skipped],
    missing: [...first.missing, ...second.missing],
    groups: [...first.groups, ...second.groups],
    targets: [...new Set([...first.targets, ...second.targets])],
    from,
    unknown: [...first.unknown, ...second.unknown],
    underNewKey: [...first.underNewKey, ...second.underNewKey],
  };
}

/** @throws {QueueError} not-found, bad-item, too-large, busy, confirm-needed; nothing is changed then */
async function edit(
  deps: SendingDeps,
  id: number,
  edits: ItemEdits,
  by: Actor,
  options: EditOptions,
): Promise<EditResult> {
  const item = await itemOf(deps, id);
  const edited = rewrite(deps, item, edits);
  if (edited.same) throw new QueueError('not-found', `item ${id} is like that already; nothing was changed`);
  const report = await carryOut(deps, { kind: 'edit', id, ...options, ...edited.edit }, by);
  assertChanged(report, id);
  return resultOf(deps, report, edited);
}

/** Holds the item back while a person works on it. @throws as `edit` */
async function beginEdit(deps: SendingDeps, id: number, by: Actor, options: EditOptions): Promise<OpenEdit> {
  const before = await itemOf(deps, id);
  if (before.payloadGone) rewrite(deps, before, {});
  const report = await carryOut(deps, { kind: 'begin-edit', id, ...options }, by);
  assertChanged(report, id);
  const [from = 'pending'] = Object.keys(report.from) as ItemDetail['state'][];
  return { item: await itemOf(deps, id), from, token: report.token ?? 0 };
}

/** What an edit would make of the item, checked; for an editor that is opened again on a mistake. @throws bad-item, too-large */
function rewrite({ config }: Pick<SendingDeps, 'config'>, item: ItemDetail, edits: ItemEdits): Edited {
  const target = config.targets.get(item.target);
  return editItem(item, edits, {
    limits: config.limits,
    idempotencyHeader: target?.idempotencyHeader ?? 'Idempotency-Key',
    encodedSlash: target?.encodedSlash ?? false,
  });
}

/**
 * Saves an open edit, or abandons it when `edits` is undefined or changes nothing. The item returns to its former
 * state.
 */
async function endEdit(
  deps: SendingDeps,
  { item, token }: OpenEdit,
  edits: ItemEdits | undefined,
  by: Actor,
): Promise<EditResult | undefined> {
  const edited = edits === undefined ? undefined : rewrite(deps, item, edits);
  const saved = edited?.same === false ? edited : undefined;
  const report = await deps.store.change(
    { kind: 'end-edit', id: item.id, token, edit: saved?.edit },
    by,
    deps.clock.now(),
  );
  assertChanged(report, item.id);
  return saved === undefined ? undefined : resultOf(deps, report, saved);
}

async function itemOf({ store, clock }: SendingDeps, id: number): Promise<ItemDetail> {
  const [item] = await store.get([id], clock.now());
  if (item === undefined) throw noSuchItem(id, store.location);
  return item;
}

function noSuchItem(id: number, location: string): QueueError {
  return new QueueError('not-found', `there is no item ${id} in ${location}`, {
    hint: 'See what there is: syncq inspect --state all',
  });
}

function assertChanged({ changed, skipped: [skipped], missing }: ChangeReport, id: number): void {
  if (changed.length > 0) return;
  if (skipped === undefined || missing.length > 0)
    throw new QueueError('not-found', `there is no item ${id}; nothing was changed`);
  if (skipped.code !== undefined) {
    throw new QueueError(
      skipped.code,
      `the server may have item ${id} already (${skipped.reason}): an edit gives it a new key, and the server may then have both; nothing was changed`,
      {
        hint: `Look at the server first. If it has the write: syncq complete ${id}. To edit it all the same, say yes (--yes).`,
      },
    );
  }
  throw new QueueError(
    skipped.state === 'sending' ? 'busy' : 'bad-item',
    `item ${id} cannot be edited: ${skipped.reason}; nothing was changed`,
  );
}

async function resultOf(
  deps: SendingDeps,
  report: ChangeReport,
  { edit: { fields }, kinds }: Edited,
): Promise<EditResult> {
  const [id = 0] = report.changed;
  return { item: await itemOf(deps, id), fields, unknown: report.unknown.length > 0, kinds };
}

/** Removes what is stored about one entity. @throws {QueueError} busy while an item about it is being sent */
async function erase(deps: SendingDeps, entity: Entity, options: { dryRun: boolean; by: Actor }): Promise<EraseReport> {
  const now = deps.clock.now();
  try {
    return await deps.store.erase(entity, { ...options, now });
  } catch (error) {
    const isBusy = error instanceof QueueError && error.code === 'busy';
    if (!isBusy || options.dryRun || (await deps.store.runner()) !== undefined || !(await recoverClaims(deps)))
      throw error;
    return deps.store.erase(entity, { ...options, now });
  }
}

/** Applies the retention rules until nothing is left to remove. */
async function prune(
  { store, config, clock }: Pick<SendingDeps, 'store' | 'config' | 'clock'>,
  options: PruneOptions,
): Promise<PruneReport> {
  const now = clock.now();
  const rules = pruneRules(config.retention, now);
  const sum: PruneReport = { items: 0, payloads: 0, more: false };
  if (!hasRules(rules)) return sum;
  if (options.dryRun) return store.prune(rules, { limit: MOST_COUNTED, dryRun: true, now });
  for (;;) {
    const { items, payloads, more } = await store.prune(rules, { limit: PRUNE_BATCH, dryRun: false, now });
    sum.items += items;
    sum.payloads += payloads;
    await options.onProgress?.(sum.items + sum.payloads);
    if (!more) break;
  }
  if (sum.items + sum.payloads > 0) await store.record(prunedEntry(options.by, sum, now));
  return sum;
}

function prunedEntry(
  { who, command, reason }: Actor,
  { items, payloads }: PruneReport,
  at: number,
): Parameters<Store['record']>[0] {
  return { at, item: undefined, target: undefined, who, command, event: 'pruned', reason, detail: { items, payloads } };
}
