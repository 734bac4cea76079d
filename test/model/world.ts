/**
 * The simulated world around one real queue file: runner processes that die and sleep, a network, a server, a clock, and
 * people. It plays actions and keeps the books that `invariants.ts` holds the queue against.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { withDefaults } from '../../src/core/config/target-shape.js';
import { DEFAULT_LIMITS, type Config } from '../../src/core/nouns/config.js';
import { isQueueError } from '../../src/core/nouns/errors.js';
import { currentUid } from '../../src/core/nouns/host.js';
import type { StoredRequest } from '../../src/core/nouns/item.js';
import type { ProbeResult, SendResult } from '../../src/core/send/result.js';
import { openFile } from '../../src/core/store/sqlite/file/open.js';
import type { Connection } from '../../src/core/store/sqlite/file/connection.js';
import { openSqliteStore } from '../../src/core/store/sqlite/store.js';
import type { Actor, Claim, EnqueueResult, PauseScope, PersonCommand, Store } from '../../src/core/store/store.js';
import { newItem } from '../support/store.js';
import type { Action, TargetName } from './actions.js';
import { TARGETS } from './actions.js';
import { Books, type Flight, type KnownItem } from './books.js';
import { FailingDisk, FAILED_DISK } from './failing-disk.js';
import { SimProcess, type ProcessOptions } from './process.js';
import { Random } from './random.js';
import { BAD_CERTIFICATE, ModelServer, NO_ANSWER, NO_CONNECTION, response, type Fate } from './server.js';
import { VirtualClock } from './virtual-clock.js';

const ORDERS = { lanes: 'entity', strict: 'strict', loose: 'none' } as const;
const PERSON: Actor = { who: 'ann', command: 'test', reason: undefined };
const TIMEOUT_MS = 30_000;

/** A file system in memory where there is one: a flush to the disk is not what is simulated. */
function scratch(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'syncq-model-'));
}

const config: Config = {
  source: undefined,
  defaultTarget: 'lanes',
  queue: undefined,
  targets: new Map(
    TARGETS.map((name) => [
      name,
      withDefaults({ name, baseUrl: `https://${name}.example.org`, order: ORDERS[name], breaker: 6 }),
    ]),
  ),
  sensitive: [],
  retention: { completedMs: undefined, payloadsMs: undefined },
  hooks: { review: undefined, offline: undefined, idle: undefined },
  limits: DEFAULT_LIMITS,
};

export class World {
  readonly clock = new VirtualClock();
  readonly server = new ModelServer();
  readonly processes: SimProcess[] = [];
  readonly books: Books;
  /** A connection of its own: it sees what is committed, and nothing else. */
  readonly eye: Connection;
  readonly #directory = scratch();
  /** Fails when it is told to. */
  readonly disk = new FailingDisk();
  #people: Store;
  readonly #random: Random;
  readonly #down = new Set<string>();

  constructor(seed: number) {
    this.#random = new Random(seed ^ 0x5bd1e995);
    this.#people = this.#open();
    const connection = openFile({ ...this.#place(), mode: 'write' });
    this.eye = connection;
    this.books = new Books(this.eye, this.clock, this.server);
  }

  #place(): { path: string; clock: VirtualClock; uid: number | undefined; allowNetworkDisk: boolean } {
    return { path: join(this.#directory, 'q.db'), clock: this.clock, uid: currentUid(), allowNetworkDisk: false };
  }

  #open(): Store {
    return openSqliteStore({ ...this.#place(), mode: 'create' });
  }

  /** Every task runs until it waits for the world. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  async close(): Promise<void> {
    for (const process of this.processes) process.kill();
    this.disk.remove();
    await this.settle();
    this.eye.close();
    await this.#people.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async play(action: Action): Promise<void> {
    await this.#act(action);
    await this.settle();
    this.books.look();
  }

  async #act(action: Action): Promise<void> {
    switch (action.do) {
      case 'enqueue':
        return this.#enqueue(action);
      case 'enqueue-again':
        return this.#enqueueAgain(action.pick, action.changed);
      case 'insert':
        this.#insert(action);
        return;
      case 'start':
        this.start(action);
        return;
      case 'kill': {
        const process = this.#pick(this.#live(), action.pick);
        if (process !== undefined) process.killIn = action.after;
        if (action.after === 0) process?.kill();
        return;
      }
      case 'stop':
        this.#pick(this.#live(), action.pick)?.pause();
        return;
      case 'wake':
        this.#pick(this.#live(), action.pick)?.wake();
        return;
      case 'dispossess':
        this.#pick(this.#live(), action.pick)?.dispossess();
        return;
      case 'terminate':
        this.#pick(this.#live(), action.pick)?.terminate();
        return;
      case 'answer': {
        const flight = this.#pick(this.books.underWay(), action.pick);
        if (flight !== undefined) this.answer(flight, action.fate);
        return;
      }
      case 'answer-all':
        for (const flight of this.books.underWay()) this.answer(flight, action.fate);
        return;
      case 'late': {
        const flight = this.#pick(this.books.lost(), action.pick);
        if (flight !== undefined) this.#arrive(flight);
        return;
      }
      case 'network':
        if (action.up) this.#down.delete(action.target);
        else this.#down.add(action.target);
        return;
      case 'advance':
        await this.advance(action.ms);
        return;
      case 'jump':
        this.clock.jump(action.ms);
        return;
      case 'retry':
        return this.#change(action.pick, (id) => ({
          kind: 'retry',
          filter: { ids: [id] },
          expires: undefined,
          dryRun: false,
        }));
      case 'discard':
        return this.#change(action.pick, (id) => ({ kind: 'discard', filter: { ids: [id] }, dryRun: false }));
      case 'complete':
        return this.#change(action.pick, (id) => ({ kind: 'complete', filter: { ids: [id] }, dryRun: false }));
      case 'edit': {
        const item = this.#pick(this.books.items(), action.pick);
        if (item !== undefined) await this.#edit(item);
        return;
      }
      case 'prune':
        await this.#prune(action);
        return;
      case 'fail-commit':
        this.disk.failNext(action.how);
        return;
      case 'retry-all':
        await this.command({ kind: 'retry', filter: { states: ['review'] }, expires: undefined, dryRun: false });
        return;
      case 'pause':
        await this.command({
          kind: 'pause',
          what: this.#scope(action),
          until: action.forMs === undefined ? undefined : this.clock.now() + action.forMs,
        });
        return;
      case 'resume':
        await this.command({ kind: 'resume', what: this.#scope(action) });
    }
  }

  #live(): SimProcess[] {
    return this.processes.filter(({ isLive }) => isLive);
  }

  #pick<T>(list: readonly T[], pick: number): T | undefined {
    return list[pick % Math.max(1, list.length)];
  }

  #scope({ target, entity }: { target: TargetName | undefined; entity: number }): PauseScope {
    // Before the first enqueue or run the queue knows no target.
    const known = this.eye.get('SELECT 1 FROM target WHERE name = ?', target) !== undefined;
    return target !== undefined && known ? { target } : { entity: { type: 'thing', id: String(entity) } };
  }

  async #enqueue(action: Extract<Action, { do: 'enqueue' }>): Promise<void> {
    const { number, body } = this.books.nextBody();
    if (action.bad) this.server.refuses.add(number);
    const entity = action.entity === 0 ? undefined : { type: 'thing', id: String(action.entity) };
    const [delayMs, expiresMs] = [action.delayMs, action.expiresMs];
    const item = newItem({
      target: action.target,
      idempotencyKey: `key-${number}`,
      payload: Buffer.from(body),
      entity,
      notBefore: delayMs === undefined ? undefined : { delayMs },
      expires: expiresMs === undefined ? undefined : { delayMs: expiresMs },
    });
    const options = { now: this.clock.now(), ifQueued: action.ifQueued };
    const write = (): Promise<EnqueueResult[]> => this.#people.enqueue([item], options);
    // Nobody knows whether it is stored: the same command once more stores it once.
    const [result] = (await this.#asPerson(write)) ?? (await write());
    if (result !== undefined)
      this.books.stored(result, {
        number,
        body,
        target: action.target,
        entity: action.entity,
        delayed: delayMs !== undefined,
      });
    this.#ring();
  }

  /** The same key once more, with the same content or with other. */
  async #enqueueAgain(pick: number, changed: boolean): Promise<void> {
    const known = this.#pick(this.books.items(), pick);
    if (known === undefined) return;
    const entity = known.entity === 0 ? undefined : { type: 'thing', id: String(known.entity) };
    const payload = Buffer.from(changed ? `${known.body} ` : known.body);
    const item = newItem({ target: known.target, payload, entity, idempotencyKey: known.key });
    let result: EnqueueResult | undefined;
    const write = (): Promise<EnqueueResult[]> =>
      this.#people.enqueue([item], { now: this.clock.now(), ifQueued: 'append' });
    try {
      [result] = (await this.#asPerson(write)) ?? (await write());
    } catch (error) {
      if (!isQueueError(error) || error.code !== 'key-conflict') throw error;
    }
    const right = changed ? result === undefined : result?.id === known.id && result.duplicate;
    if (!right) this.books.problem(`a repeated key of item ${known.id} was answered ${JSON.stringify(result)}`);
  }

  /** Another program's INSERT; a bad one must leave no trace, however it asks to be forgiven. */
  #insert({ target, entity, valid }: Extract<Action, { do: 'insert' }>): void {
    const known = this.eye.get('SELECT 1 FROM target WHERE name = ?', target) !== undefined;
    const { number, body } = this.books.nextBody();
    const key = `foreign-${number}`;
    const wanted = valid && known;
    let stored = false;
    try {
      this.eye.run(
        'INSERT OR IGNORE INTO outbox (target, method, path, payload, entity_type, entity_id, idempotency_key) VALUES (?, ?, ?, ?, ?, ?, ?)',
        target,
        valid ? 'POST' : 'SEND',
        '/activities',
        body,
        entity === 0 ? null : 'thing',
        entity === 0 ? null : String(entity),
        key,
      );
      stored = true;
    } catch (error) {
      if (wanted) throw error;
    }
    if (stored !== wanted)
      this.books.problem(`a foreign row that is ${wanted ? 'good' : 'bad'} was ${stored ? 'taken' : 'refused'}`);
    const id = this.eye.get<{ id: number }>('SELECT id FROM item WHERE idempotency_key = ?', key)?.id;
    if (id === undefined) return;
    this.books.stored(
      { id, idempotencyKey: key, state: 'pending', duplicate: false, replaced: undefined },
      { number, body, target, entity, delayed: false },
    );
    this.#ring();
  }

  async #change(pick: number, command: (id: number) => PersonCommand): Promise<void> {
    const item = this.#pick(this.books.items(), pick);
    if (item !== undefined) await this.command(command(item.id));
  }

  async command(command: PersonCommand): Promise<void> {
    await this.#asPerson(() => this.#people.change(command, PERSON, this.clock.now()));
    if (command.kind === 'discard' || command.kind === 'complete') {
      // As the queue has it: the answer may have been lost with the disk.
      const wanted = command.kind === 'discard' ? 'discarded' : 'completed';
      for (const id of command.filter.ids ?? []) if (this.#wasEndedByPerson(id, wanted)) this.books.endedByPerson(id);
    }
    this.#ring();
  }

  #wasEndedByPerson(id: number, event: string): boolean {
    const text = 'SELECT 1 FROM history WHERE item_id = ? AND item_id IS NOT NULL AND event = ? AND who = ?';
    return this.eye.get(text, id, event, PERSON.who) !== undefined;
  }

  /** Undefined when the disk failed: then a person opens the queue anew, and looks. */
  async #asPerson<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!isQueueError(error) || !FAILED_DISK.has(error.code)) throw error;
      await this.#people.close();
      this.#people = this.#open();
      this.books.adoptEnded();
      return undefined;
    }
  }

  /** A revision that a person read, with other bytes; what is being sent or at its end is refused. */
  async #edit(item: KnownItem): Promise<void> {
    const revision = this.eye.get<{ revision: number }>('SELECT revision FROM item WHERE id = ?', item.id)?.revision;
    if (revision === undefined) return;
    const body = `{"item":${item.number},  "edit":${revision + 1}}`;
    const content = {
      path: '/activities',
      headers: {},
      contentType: 'application/json',
      payload: Buffer.from(body),
    };
    await this.#asPerson(() =>
      this.#people.change(
        { kind: 'edit', id: item.id, revision, content, fields: ['/edit'] },
        PERSON,
        this.clock.now(),
      ),
    );
    this.books.edited(item, body);
    this.#ring();
  }

  async #prune({ ms, whole }: Extract<Action, { do: 'prune' }>): Promise<void> {
    const before = this.clock.now() - ms;
    const rules = { completedBefore: whole ? before : undefined, payloadsBefore: before };
    await this.#asPerson(() => this.#people.prune(rules, { limit: 20, dryRun: false, now: this.clock.now() }));
    this.books.pruned();
  }

  #ring(): void {
    for (const process of this.processes) process.ring();
  }

  start(options: ProcessOptions): void {
    // More than a few at once is no other case.
    if (this.#live().length >= 3) return;
    const process = new SimProcess(
      this.processes.length,
      {
        clock: this.clock,
        config,
        random: () => this.#random.next(),
        openStore: () => this.#open(),
        beforeStep: (_process, input) => this.books.beforeStep(input),
        afterStep: (stepped, _input, result) => this.books.afterStep(stepped, result),
        send: (sender, target, request, signal) => this.#send(sender, target, request, signal),
        probe: (target) => this.#probe(target),
      },
      options,
    );
    this.processes.push(process);
    this.books.processes = this.processes;
    process.start();
  }

  #probe(target: string): ProbeResult {
    if (this.#down.has(target))
      return { kind: 'unreachable', code: 'ECONNREFUSED', message: 'no connection', durationMs: 1 };
    return { kind: 'reachable', durationMs: 1, status: 200 };
  }

  async #send(process: SimProcess, target: string, request: StoredRequest, signal: AbortSignal): Promise<SendResult> {
    await process.pass();
    if (signal.aborted) return NO_ANSWER;
    const flight = this.books.sent(process, target, request);
    if (this.#down.has(target)) flight.end(NO_CONNECTION);
    signal.addEventListener('abort', () => flight.end(NO_ANSWER), { once: true });
    const result = await flight.answer;
    await process.pass();
    if (result.kind === 'response' && result.response.status < 300) this.books.confirmed(flight);
    return result;
  }

  #arrive(flight: Flight): boolean {
    flight.arrived = true;
    return this.server.arrive(flight.request);
  }

  answer(flight: Flight, fate: Fate): void {
    const accepted = (status: number, headers: Record<string, string> = {}): SendResult =>
      this.#arrive(flight) ? response(status, headers) : response(422);
    const ends: Record<Fate, () => SendResult> = {
      ok: () => accepted(201),
      'lost-request': () => NO_ANSWER,
      'lost-answer': () => (accepted(201), NO_ANSWER),
      '503-before': () => response(503),
      '503-after': () => (accepted(201), response(503)),
      '500-before': () => response(500),
      '500-after': () => (accepted(201), response(500)),
      '429': () => response(429),
      '429-later': () => response(429, { 'retry-after': '90' }),
      '422': () => response(422),
      '409': () => response(409),
      '302': () => response(302, { location: 'https://elsewhere.example.org/login' }),
      '401': () => response(401),
      'refused-connection': () => NO_CONNECTION,
      'bad-certificate': () => BAD_CERTIFICATE,
    };
    flight.end(ends[fate]());
  }

  /** Lets time pass. With `fateOf` requests are answered as they come; without, they run into their timeout. */
  async advance(ms: number, fateOf?: (flight: Flight) => Fate): Promise<void> {
    await this.clock.advance(ms, async () => {
      await this.settle();
      for (const flight of this.books.underWay()) {
        if (fateOf !== undefined) this.answer(flight, fateOf(flight));
        else if (this.clock.monotonic() - flight.since >= TIMEOUT_MS) flight.end(NO_ANSWER);
      }
      await this.settle();
    });
  }

  /**
   * Everything is well again: a healthy server and network, one live runner, and a person who lifts every pause and
   * hold and retries what is in review. Whatever is then unfinished breaks the promise of progress (I9).
   */
  async heal(): Promise<void> {
    for (const process of this.processes) process.kill();
    this.disk.mend();
    this.#down.clear();
    this.server.refuses.clear();
    this.start({ kind: 'run', concurrency: 4, wait: true });
    await this.settle();
    for (let round = 0; round < 400 && this.books.unfinished() > 0; round += 1) {
      if (round % 20 === 0) {
        await this.command({ kind: 'resume', what: 'all' });
        await this.command({
          kind: 'retry',
          filter: { states: ['review', 'pending'] },
          expires: undefined,
          dryRun: false,
        });
        this.start({ kind: 'run', concurrency: 4, wait: true });
        await this.settle();
      }
      for (const flight of this.books.underWay()) this.answer(flight, 'ok');
      await this.settle();
      if (this.books.underWay().length === 0) await this.advance(10_000);
      this.books.look();
    }
    if (this.books.unfinished() > 0)
      this.books.problem(
        `I9: ${this.books.unfinished()} items are unfinished though all is well: ${this.books.describe()}`,
      );
  }

  /** What went wrong in a process that is no end a process may have. */
  errors(): unknown[] {
    return this.processes.map(({ error }) => error).filter((error) => error !== undefined);
  }
}

export type { Claim };
