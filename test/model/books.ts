/** The simulation's own record of what was stored, claimed, sent and answered, and the invariants it holds the queue to. */
import { isSound } from '../../src/core/policy/outage.js';
import { STATES, type State, type StoredRequest } from '../../src/core/nouns/item.js';
import type { SendResult } from '../../src/core/send/result.js';
import { auditQueue } from '../support/audit.js';
import type { Connection } from '../../src/core/store/sqlite/file/connection.js';
import type { EnqueueResult, StepInput, StepResult } from '../../src/core/store/store.js';
import type { TargetName } from './actions.js';
import type { SimProcess } from './process.js';
import { itemOf, type ModelServer } from './server.js';
import type { VirtualClock } from './virtual-clock.js';

export interface KnownItem {
  id: number;
  key: string;
  number: number;
  body: string;
  target: TargetName;
  entity: number;
  delayed: boolean;
  /** Discarded or completed by a person, or replaced: later items may go before what is still under way of it. */
  endedByPerson: boolean;
  /** What each key it had stood for; an edit gives it another. */
  versions: Map<string, string>;
  /** Edited after it was on the wire: what was sent before may still have its effect. */
  editedLate: boolean;
}

/** One request on the wire. */
export interface Flight {
  process: SimProcess;
  item: KnownItem;
  request: StoredRequest;
  since: number;
  arrived: boolean;
  over: boolean;
  answer: Promise<SendResult>;
  end: (result: SendResult) => void;
}

interface Row {
  id: number;
  state: number;
  claim_attempt: number | null;
  idempotency_key: string;
}

export class Books {
  readonly problems: string[] = [];
  processes: readonly SimProcess[] = [];
  counts = { requests: 0, claims: 0, commits: 0, audits: 0 };
  readonly #eye: Connection;
  readonly #clock: VirtualClock;
  readonly #server: ModelServer;
  readonly #items = new Map<number, KnownItem>();
  readonly #byNumber = new Map<number, KnownItem>();
  readonly #claims = new Map<SimProcess, Map<number, number>>();
  readonly #flights: Flight[] = [];
  /** Keys that a live sender got a sound answer for. */
  readonly #confirmed = new Set<string>();
  readonly #sent = new Set<number>();
  readonly #pruned = new Set<number>();
  #held = new Set<number>();
  readonly #finals = new Map<number, State>();
  #number = 0;
  #effectsSeen = 0;
  #looks = 0;
  #paused: { targets: ReadonlySet<number>; entities: ReadonlySet<string> } = {
    targets: new Set(),
    entities: new Set(),
  };

  constructor(eye: Connection, clock: VirtualClock, server: ModelServer) {
    this.#eye = eye;
    this.#clock = clock;
    this.#server = server;
  }

  problem(text: string): void {
    this.problems.push(text);
  }

  items(): KnownItem[] {
    return [...this.#items.values()];
  }

  nextBody(): { number: number; body: string } {
    this.#number += 1;
    // Two spaces and a big number: the bytes must survive, not their meaning.
    return { number: this.#number, body: `{"item":${this.#number},  "at":9007199254740993}` };
  }

  stored(
    result: EnqueueResult,
    write: Omit<KnownItem, 'id' | 'key' | 'endedByPerson' | 'versions' | 'editedLate'>,
  ): void {
    if (result.replaced !== undefined) this.endedByPerson(result.replaced);
    // Stored once already, when nobody could tell: it is told now.
    if (result.duplicate && this.#items.has(result.id)) return;
    const item = {
      ...write,
      id: result.id,
      key: result.idempotencyKey,
      endedByPerson: false,
      versions: new Map([[result.idempotencyKey, write.body]]),
      editedLate: false,
    };
    this.#items.set(item.id, item);
    this.#byNumber.set(item.number, item);
  }

  endedByPerson(id: number): void {
    const item = this.#items.get(id);
    if (item !== undefined) item.endedByPerson = true;
  }

  /** A person's edit: taken over as the queue has it, for the answer may have been lost. */
  edited(item: KnownItem, body: string): void {
    const row = this.#eye.get<{ key: string; attempts: number }>(
      'SELECT idempotency_key AS key, attempts FROM item WHERE id = ?',
      item.id,
    );
    if (row === undefined || row.key === item.key) return;
    if (item.versions.has(row.key)) this.problem(`item ${item.id} was edited and has a key it had before`);
    item.key = row.key;
    item.body = body;
    item.versions.set(row.key, body);
    if (row.attempts > 0) item.editedLate = true;
  }

  /** The disk failed under a person's command: whatever it ended is ended, though nobody was told. */
  adoptEnded(): void {
    for (const { id } of this.#eye.all<{ id: number }>('SELECT id FROM item WHERE state = 4')) this.endedByPerson(id);
  }

  /** Rules let finished items go: those that are gone must have been at their end. */
  pruned(): void {
    const left = new Set(this.#eye.all<{ id: number }>('SELECT id FROM item').map(({ id }) => id));
    for (const id of this.#items.keys()) {
      if (left.has(id) || this.#pruned.has(id)) continue;
      if (this.#finals.has(id)) this.#pruned.add(id);
      else this.problem(`I1: item ${id} was unfinished, and a rule let it go`);
    }
  }

  underWay(): Flight[] {
    return this.#flights.filter(({ over }) => !over);
  }

  /** Requests that nobody waits for any more and that may still arrive. */
  lost(): Flight[] {
    return this.#flights.filter(({ over, arrived, process }) => !arrived && (over || !process.isLive));
  }

  confirmed(flight: Flight): void {
    this.#confirmed.add(flight.request.idempotencyKey);
  }

  beforeStep({ now, settle, targets: updates }: StepInput): void {
    this.counts.commits += 1;
    const targets = this.#eye.all<{ id: number }>(
      'SELECT id FROM target WHERE paused_at IS NOT NULL AND paused_until IS NULL',
    );
    const entities = this.#eye.all<{ key: string }>(
      'SELECT key FROM entity WHERE paused_at IS NOT NULL AND (paused_until IS NULL OR paused_until > ?)',
      now,
    );
    this.#paused = { targets: new Set(targets.map(({ id }) => id)), entities: new Set(entities.map(({ key }) => key)) };
    const held = this.#eye.all<{ id: number; hold_mark: number }>(
      `SELECT id, hold_mark FROM target WHERE state IN ('throttled', 'unavailable', 'auth') AND until > @now AND set_at <= @now
       OR state IN ('offline', 'misconfigured')`,
      { now },
    );
    this.#held = new Set(held.map(({ id }) => id));
    // A request that came back with a status shows that the network is back; a fresh look at the settings mends them.
    const spoke = settle.filter(({ end }) => end.status !== undefined).map(({ claim }) => claim.target.id);
    for (const id of [...spoke, ...updates.map(({ target }) => target)]) if (!this.#isTimed(id)) this.#held.delete(id);
    // A tester that went out while the clock had run back may answer after the clock was set right again.
    for (const { id, hold_mark: mark } of held) {
      const tested = settle.some(({ claim, end }) => claim.target.id === id && claim.attempt > mark && isSound(end));
      if (tested) this.#held.delete(id);
    }
  }

  /** The hold rests on failures of one other item since the last sound answer: then this one may test it at once. */
  #restsOnAnother(target: number, item: number): boolean {
    const failed = this.#eye.all<{ item_id: number }>(
      `SELECT DISTINCT attempt.item_id FROM attempt JOIN item ON item.id = attempt.item_id JOIN target ON target.id = @target
       JOIN tally USING (target_id) WHERE item.target_id = @target AND attempt.attempt > tally.sound_attempt
       AND target.state = 'unavailable' AND attempt.outcome IN ('unknown', 'unavailable', 'transient')`,
      { target },
    );
    return failed.length === 1 && failed[0]?.item_id !== item;
  }

  afterStep(process: SimProcess, { claims }: StepResult): void {
    const epoch = this.#eye.get<{ epoch: number }>('SELECT epoch FROM runner')?.epoch;
    if (epoch !== process.epoch)
      this.problem(`I7: a commit of a runner that another one has replaced (${process.epoch ?? 0}, ${epoch ?? 0})`);
    const own = this.#claims.get(process) ?? new Map<number, number>();
    this.#claims.set(process, own);
    for (const { item, attempt, target } of claims) {
      this.counts.claims += 1;
      own.set(item, attempt);
      const known = this.#items.get(item);
      if (this.#held.has(target.id) && !this.#restsOnAnother(target.id, item))
        this.problem(`item ${item} was claimed though its target is held`);
      if (this.#paused.targets.has(target.id)) this.problem(`item ${item} was claimed though its target is paused`);
      if (known !== undefined && this.#paused.entities.has(String(known.entity)))
        this.problem(`item ${item} was claimed though its entity is paused`);
    }
  }

  #isTimed(target: number): boolean {
    return (
      this.#eye.get("SELECT 1 FROM target WHERE id = ? AND state IN ('throttled', 'unavailable', 'auth')", target) !==
      undefined
    );
  }

  /** A request leaves a process. */
  sent(process: SimProcess, target: string, request: StoredRequest): Flight {
    this.counts.requests += 1;
    const body = Buffer.from(request.payload ?? []).toString('utf8');
    const item = this.#byNumber.get(itemOf(body));
    if (item === undefined) throw new Error(`bytes were sent that nobody stored: ${body}`);
    if (body !== item.versions.get(request.idempotencyKey))
      this.problem(`I8: item ${item.id} was sent with other bytes`);
    // One that lost the queue in its sleep may send what it had claimed before the edit.
    if (request.idempotencyKey !== item.key && !process.dispossessed)
      this.problem(`I8: item ${item.id} was sent under another key`);
    if (target !== item.target) this.problem(`item ${item.id} was sent to ${target}`);
    if (!process.dispossessed) this.#checkTurn(process, item);
    let resolve: (result: SendResult) => void = () => undefined;
    const answer = new Promise<SendResult>((settle) => (resolve = settle));
    const flight: Flight = {
      process,
      item,
      request,
      since: this.#clock.monotonic(),
      arrived: false,
      over: false,
      answer,
      end: () => undefined,
    };
    flight.end = (result) => {
      flight.over = true;
      resolve(result);
    };
    this.#flights.push(flight);
    return flight;
  }

  #checkTurn(process: SimProcess, item: KnownItem): void {
    const row = this.#eye.get<Row>('SELECT id, state, claim_attempt, idempotency_key FROM item WHERE id = ?', item.id);
    const attempt = this.#claims.get(process)?.get(item.id);
    if (row === undefined || STATES[row.state] !== 'sending' || row.claim_attempt !== attempt) {
      this.problem(`I4: item ${item.id} was sent without a durable claim of its sender`);
    }
    if (attempt !== undefined && this.#sent.has(attempt)) this.problem(`I4: attempt ${attempt} was sent twice`);
    if (attempt !== undefined) this.#sent.add(attempt);
    const ahead = this.#eye
      .all<{ id: number }>('SELECT id FROM item WHERE id < ? AND state < 3', item.id)
      .find(({ id }) => this.#laneOf(this.#items.get(id)) === this.#laneOf(item));
    if (ahead !== undefined)
      this.problem(`I2: item ${item.id} was sent though item ${ahead.id} of its lane is unfinished`);
    const other = this.underWay().find((flight) => {
      const isOld = !flight.process.isLive || flight.process.dispossessed;
      return !isOld && this.#laneOf(flight.item) === this.#laneOf(item);
    });
    if (other !== undefined)
      this.problem(`I3: item ${item.id} was sent while item ${other.item.id} of its lane is under way`);
  }

  #laneOf(item: KnownItem | undefined): string {
    if (item === undefined) return 'nowhere';
    const own = item.target === 'loose' || (item.target === 'lanes' && item.entity === 0 && item.delayed);
    if (own) return `own ${item.id}`;
    return item.target === 'strict' ? 'strict' : `${item.target} ${item.entity}`;
  }

  unfinished(): number {
    return this.#eye.get<{ n: number }>('SELECT count(*) AS n FROM item WHERE state < 3')?.n ?? 0;
  }

  describe(): string {
    const items = this.#eye.all(
      'SELECT id, state, elig, not_before, lane, target_id, attempts FROM item WHERE state < 3 LIMIT 5',
    );
    const targets = this.#eye.all('SELECT name, state, until, hold_kind, reason, paused_at FROM target');
    const processes = this.processes
      .filter(({ isLive }) => isLive)
      .map(({ state, options }) => ({ state, ...options }));
    return JSON.stringify({ now: this.#clock.now(), items, targets, processes });
  }

  /** Every invariant that can be seen from outside, after each action; the costly ones now and then. */
  look(): void {
    this.#checkSenders();
    this.#checkEffects();
    this.#checkItems();
    this.#looks += 1;
    if (this.#looks % 30 === 0) this.audit();
  }

  #checkSenders(): void {
    const senders = this.processes.filter(
      (process) =>
        process.hasSession && process.state === 'running' && !process.dispossessed && process.error === undefined,
    );
    if (senders.length > 1) this.problem(`I3: ${senders.length} runners live on one queue`);
  }

  #checkEffects(): void {
    const { effects, problems } = this.#server;
    this.problems.push(...problems.splice(0));
    for (; this.#effectsSeen < effects.length; this.#effectsSeen += 1) {
      const effect = effects[this.#effectsSeen];
      const item = effect === undefined ? undefined : this.#byNumber.get(effect.item);
      if (effect === undefined || item === undefined) continue;
      const earlier = effects.slice(0, this.#effectsSeen);
      if (!item.editedLate && earlier.some((other) => other.item === effect.item))
        this.problem(`I6: item ${item.id} had two effects`);
      if (item.endedByPerson || (item.editedLate && effect.key !== item.key)) continue;
      const later = earlier
        .map((other) => this.#byNumber.get(other.item))
        .find((other) => other !== undefined && other.id > item.id && this.#laneOf(other) === this.#laneOf(item));
      if (later !== undefined) this.problem(`I2: item ${item.id} had its effect after item ${later.id} of its lane`);
    }
  }

  #checkItems(): void {
    const rows = this.#eye.all<Row>('SELECT id, state, claim_attempt, idempotency_key FROM item');
    const found = new Map(rows.map((row) => [row.id, row]));
    for (const item of this.#items.values()) {
      const row = found.get(item.id);
      if (row !== undefined) this.#checkItem(item, row);
      else if (!this.#pruned.has(item.id)) this.problem(`I1: item ${item.id} is gone`);
    }
    if (rows.length !== this.#items.size - this.#pruned.size)
      this.problem(`I1: ${rows.length} items are stored, ${this.#items.size} were acknowledged`);
  }

  #checkItem(item: KnownItem, row: Row): void {
    const state = STATES[row.state] ?? 'pending';
    if (row.idempotency_key !== item.key) this.problem(`I8: item ${item.id} has another key`);
    const final = this.#finals.get(item.id);
    if (final !== undefined && final !== state) this.problem(`I7: item ${item.id} was ${final} and is ${state}`);
    if (state === 'completed' || state === 'discarded') this.#finals.set(item.id, state);
    if (state === 'completed' && !item.endedByPerson && !this.#confirmed.has(item.key)) {
      this.problem(`I5: item ${item.id} is completed though no answer said so`);
    }
    if (state === 'discarded' && !item.endedByPerson) this.problem(`I7: item ${item.id} was discarded by nobody`);
  }

  audit(): void {
    this.counts.audits += 1;
    for (const { code, message } of auditQueue(this.#eye)) this.problem(`audit: ${code}: ${message}`);
    const changed = this.#eye
      .all<{ id: number; payload: Buffer | null }>('SELECT id, payload FROM item')
      .filter(({ id, payload }) =>
        payload === null ? !this.#finals.has(id) : payload.toString('utf8') !== this.#items.get(id)?.body,
      );
    for (const { id } of changed) this.problem(`I1: the bytes of item ${id} changed`);
  }
}
