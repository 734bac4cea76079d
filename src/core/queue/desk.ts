/**
 * What the support desk does to items, over any store: a claim that a dead runner left is settled first, so that nobody
 * has to start a runner only to discard an item.
 */
import type { Clock } from '../nouns/clock.js';
import type { Config } from '../nouns/config.js';
import { QueueError } from '../nouns/errors.js';
import { runnerIdentity } from '../nouns/host.js';
import { readActor, readDeskOptions, readEditOptions, readEdits, readEntity, readId } from './arguments.js';
import type { Entity, ItemDetail } from '../nouns/item.js';
import { Channels, configOf } from '../runner/channels.js';
import type {
  Actor,
  ChangeReport,
  EraseReport,
  PersonCommand,
  PruneReport,
  Revision,
  RunnerInfo,
  Store,
} from '../store/store.js';
import { ageTable, type AgeRow } from '../policy/ages.js';
import { editItem, type Edited, type ItemEdits } from '../input/edit-item.js';
import { hasRules, PRUNE_BATCH, pruneRules } from '../policy/retention.js';

/** What a support person does beyond `Queue.change`. */
export interface Desk {
  /** What edits replaced, oldest first, without the payloads. */
  revisions(id: number): Promise<Revision[]>;
  /** How old the unfinished items are, all targets together first. */
  ages(): Promise<AgeRow[]>;
  /** Changes what an item sends; the old version is kept, the new one gets a key of its own. */
  edit(id: number, edits: ItemEdits, by: Actor, options?: EditOptions): Promise<EditResult>;
  /** Puts an item into review (reason `editing`) while a person has it open; `endEdit` puts it back where it was. */
  beginEdit(id: number, by: Actor, options?: EditOptions): Promise<OpenEdit>;
  /** Checks what an open edit would make of the item. @throws {QueueError} bad-item, too-large */
  checkEdit(open: OpenEdit, edits: ItemEdits): void;
  /** With undefined, or when nothing differs, the edit is abandoned. */
  endEdit(open: OpenEdit, edits: ItemEdits | undefined, by: Actor): Promise<EditResult | undefined>;
  /** Removes payloads, old versions and answers of all items about one entity; unfinished ones are discarded. */
  erase(entity: Entity, options: { dryRun: boolean; by: Actor }): Promise<EraseReport>;
  /** Carries out the retention rules of the config. */
  prune(options: { dryRun: boolean; by: Actor }): Promise<PruneReport>;
}

export interface DeskDeps {
  store: Store;
  config: Config;
  env: Readonly<Record<string, string | undefined>>;
  version: string;
  clock: Clock;
  random: () => number;
}

/** `yes`: also when the server may have the item already, and may have both versions then. Default no: `confirm-needed`. */
export interface EditOptions {
  yes?: boolean;
}

/** An item that somebody has open in an editor. */
export interface OpenEdit {
  item: ItemDetail;
  /** Where it stood before. */
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

export function openDesk(deps: DeskDeps): Desk {
  return {
    revisions: async (id) => deps.store.revisions(readId(id)),
    ages: async () => ageTable(await deps.store.ages(deps.clock.now())),
    edit: async (id, edits, by, options) =>
      edit(deps, readId(id), readEdits(edits), readActor(by), readEditOptions(options ?? {})),
    beginEdit: async (id, by, options) => beginEdit(deps, readId(id), readActor(by), readEditOptions(options ?? {})),
    checkEdit: ({ item }, edits) => void rewrite(deps, item, readEdits(edits)),
    endEdit: async (open, edits, by) =>
      endEdit(deps, open, edits === undefined ? undefined : readEdits(edits), readActor(by)),
    erase: async (entity, options) => erase(deps, readEntity(entity), readDeskOptions(options)),
    prune: async (options) => prune(deps, readDeskOptions(options)),
  };
}

const RECOVER_BATCH = 100;
/** A dry run of `prune` counts up to here. */
const MOST_COUNTED = 10_000_000;
const PERSON_KINDS: ReadonlySet<PersonCommand['kind']> = new Set([
  'retry',
  'discard',
  'complete',
  'edit',
  'begin-edit',
]);

/** Carries out a command; items that a dead runner left as being sent are settled first. */
export async function change(deps: DeskDeps, asked: PersonCommand, by: Actor): Promise<ChangeReport> {
  // What is accepted is what this person's config says: a watch that has yet to read it must not bind the old one again.
  const command =
    asked.kind === 'accept-target' ? { baseUrl: deps.config.targets.get(asked.name)?.baseUrl, ...asked } : asked;
  const first = await deps.store.change(command, by, deps.clock.now());
  if ('dryRun' in command && command.dryRun) return first;
  const stuck = PERSON_KINDS.has(command.kind)
    ? first.skipped.filter(({ state }) => state === 'sending').map(({ id }) => id)
    : [];
  if (stuck.length === 0) return first;
  const runner = await deps.store.runner();
  if (runner !== undefined || !(await recoverClaims(deps))) return sayWhoSends(first, runner);
  const again = 'filter' in command ? { ...command, filter: { ids: stuck } } : command;
  return merge(first, await deps.store.change(again, by, deps.clock.now()));
}

/** False when somebody else has the right to send after all. */
async function recoverClaims({ store, config, env, version, clock, random }: DeskDeps): Promise<boolean> {
  const channels = new Channels(config, { env, clock, version }, random);
  const session = await store.acquire(runnerIdentity('drain'), channels.policy(), clock.now());
  if ('heldBy' in session) return false;
  try {
    while ((await session.recover(RECOVER_BATCH, clock.now())).more);
  } finally {
    await session.end(undefined);
  }
  return true;
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
  deps: DeskDeps,
  id: number,
  edits: ItemEdits,
  by: Actor,
  options: EditOptions,
): Promise<EditResult> {
  const item = await itemOf(deps, id);
  const edited = rewrite(deps, item, edits);
  if (edited.same) throw new QueueError('not-found', `item ${id} is like that already; nothing was changed`);
  const report = await change(deps, { kind: 'edit', id, ...options, ...edited.edit }, by);
  assertChanged(report, id);
  return resultOf(deps, report, edited);
}

/** Takes the item out of the queue's hands while a person works on it. @throws as `edit` */
async function beginEdit(deps: DeskDeps, id: number, by: Actor, options: EditOptions): Promise<OpenEdit> {
  const before = await itemOf(deps, id);
  if (before.payloadGone) rewrite(deps, before, {});
  const report = await change(deps, { kind: 'begin-edit', id, ...options }, by);
  assertChanged(report, id);
  const [from = 'pending'] = Object.keys(report.from) as ItemDetail['state'][];
  return { item: await itemOf(deps, id), from, token: report.token ?? 0 };
}

/** What an edit would make of the item, checked; for an editor that is opened again on a mistake. @throws bad-item, too-large */
function rewrite({ config }: Pick<DeskDeps, 'config'>, item: ItemDetail, edits: ItemEdits): Edited {
  const target = configOf({ name: item.target, implicitBaseUrl: undefined }, config);
  return editItem(item, edits, {
    limits: config.limits,
    idempotencyHeader: target?.idempotencyHeader ?? 'Idempotency-Key',
  });
}

/** Saves (or with undefined, or when nothing differs, abandons) an open edit: the item goes back where it was. */
async function endEdit(
  deps: DeskDeps,
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

async function itemOf({ store, clock }: DeskDeps, id: number): Promise<ItemDetail> {
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
  deps: DeskDeps,
  report: ChangeReport,
  { edit: { fields }, kinds }: Edited,
): Promise<EditResult> {
  const [id = 0] = report.changed;
  return { item: await itemOf(deps, id), fields, unknown: report.unknown.length > 0, kinds };
}

/** Removes what is known about one entity. @throws {QueueError} busy while an item about it is being sent */
async function erase(deps: DeskDeps, entity: Entity, options: { dryRun: boolean; by: Actor }): Promise<EraseReport> {
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

/** Carries out the retention rules to the end. */
async function prune(
  { store, config, clock }: Pick<DeskDeps, 'store' | 'config' | 'clock'>,
  options: { dryRun: boolean; by: Actor },
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
