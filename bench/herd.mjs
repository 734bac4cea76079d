/**
 * A national outage, simulated with the real policy code: many devices, each with writes that wait, and one server that
 * comes back. `node bench/herd.mjs [--devices N] [--json]`. Time is simulated; docs/scale.md shows and explains the numbers.
 *
 * Scaled: D devices against a server of C requests a second stand for 50 D devices against 50 C.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const load = (module) => import(join(DIST, 'core', module));
const { decide } = await load('policy/settle.js');
const { enterState, gateOf } = await load('policy/target-state.js');
const { withDefaults } = await load('config/target-shape.js');
const { ProbeSchedule } = await load('connectivity/probe-schedule.js');

const { values: flags } = parseArgs({
  options: { devices: { type: 'string', default: '20000' }, json: { type: 'boolean', default: false } },
});
const DEVICES = Number(flags.devices);
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const CONFIG = withDefaults({ name: 'api', baseUrl: 'https://api.example.org' });

/** Twice the requests a second that come on an ordinary day at its busiest (one a device and 5 minutes). */
const CAPACITY = (2 * DEVICES) / 300;
const [OUTAGE, HORIZON] = [2 * 60 * MINUTE, 6 * 60 * MINUTE];
/** Each device made a write every ten minutes while it was cut off. */
const BACKLOG = OUTAGE / (10 * MINUTE);
const ROUND_TRIP = 200;

/** How the outage looks from outside, and what the server says when it cannot keep up. */
const SCENES = [
  { name: 'no connection; overload answered with 503', down: 'offline', overload: 'unavailable' },
  {
    name: 'no connection; overload answered with 503 and Retry-After 60',
    down: 'offline',
    overload: 'throttled',
    retryAfterMs: MINUTE,
  },
  {
    name: 'the same with Retry-After drawn by the server from 1 to 30 minutes',
    down: 'offline',
    overload: 'throttled',
    retryAfterMs: MINUTE,
    spreadMs: 29 * MINUTE,
  },
  { name: '503 from the gateway all along', down: 'unavailable', overload: 'unavailable' },
  { name: 'no answer (timeouts) all along', down: 'unknown', overload: 'unknown' },
  {
    name: 'for comparison: devices that retry every 5 s, without holds',
    down: 'offline',
    overload: 'unavailable',
    naive: true,
  },
];

function simulate(scene) {
  const random = generator(7);
  const events = new Heap();
  const devices = Array.from({ length: DEVICES }, (_, id) => newDevice(id, random));
  const server = {
    tokens: CAPACITY,
    at: 0,
    arrivals: new Map(),
    probes: new Map(),
    refused: 0,
    served: 0,
    whileDown: 0,
  };
  // They notice the outage within the first minute, each by an attempt of its own.
  for (const device of devices) events.push(random() * MINUTE, () => act(device));
  let lastDone = 0;
  let done = 0;

  const act = (device) => {
    const { now } = events;
    if (device.left === 0 || now > HORIZON) return;
    if (scene.naive) return attempt(device);
    if (device.target.state === 'offline') return probe(device);
    const { slots } = gateOf(device.target, now, 0, 1);
    if (slots > 0) attempt(device);
    else events.push(Math.max(now + 1, device.target.until ?? now + SECOND), () => act(device));
  };

  const probe = (device) => {
    const { now } = events;
    const at = device.schedule.nextAt(true, now);
    if (at > now) return events.push(at, () => act(device));
    device.schedule.connecting(now);
    const second = Math.floor(now / SECOND);
    server.probes.set(second, (server.probes.get(second) ?? 0) + 1);
    if (now < OUTAGE) {
      device.schedule.failed();
      server.whileDown += 1;
    } else
      device.target = { ...device.target, ...enterState(device.target, now, 'suspect', 'it can be reached again') };
    events.push(now + ROUND_TRIP, () => act(device));
  };

  const attempt = (device) => {
    const { now } = events;
    arrive(now);
    const end = answerAt(now);
    if (now < OUTAGE) server.whileDown += 1;
    device.lastAttempt += 1;
    const attemptId = device.lastAttempt;
    const took = end.outcome === 'unknown' ? CONFIG.timeoutMs : ROUND_TRIP;
    events.push(now + took, () => settle(device, attemptId, end));
  };

  const settle = (device, attemptId, end) => {
    const { now } = events;
    if (end.outcome === 'delivered') {
      device.left -= 1;
      device.item += 1;
      device.facts = newFacts(device.item);
      if (device.left === 0) {
        done += 1;
        lastDone = now;
      }
      device.schedule.answered();
    }
    if (scene.naive) return events.push(now + (end.outcome === 'delivered' ? 1 : 5 * SECOND), () => act(device));
    const claim = { item: device.item, attempt: attemptId };
    const { target } = device;
    const context = {
      facts: device.facts,
      end,
      claim,
      target,
      config: CONFIG,
      lastAttempt: device.lastAttempt,
      now,
      random: random(),
    };
    const decision = decide(context);
    device.target = { ...target, ...decision.target };
    if (decision.move.to === 'pending')
      device.facts = { ...device.facts, ...decision.move, attemptNumber: device.facts.attemptNumber + 1 };
    if (decision.move.to === 'review') throw new Error('an outage put an item into review');
    if (end.outcome === 'offline') {
      device.schedule.connecting(now);
      device.schedule.failed();
    }
    events.push(Math.max(now + 1, decision.move.notBefore ?? 0), () => act(device));
  };

  const answerAt = (now) => {
    if (now < OUTAGE) return ending(scene.down);
    server.tokens = Math.min(CAPACITY, server.tokens + ((now - server.at) / SECOND) * CAPACITY);
    server.at = now;
    if (server.tokens < 1) {
      server.refused += 1;
      return ending(
        scene.overload,
        scene.retryAfterMs === undefined ? undefined : scene.retryAfterMs + random() * (scene.spreadMs ?? 0),
      );
    }
    server.tokens -= 1;
    server.served += 1;
    return ending('delivered');
  };

  const arrive = (now) => {
    const second = Math.floor(now / SECOND);
    server.arrivals.set(second, (server.arrivals.get(second) ?? 0) + 1);
  };

  events.run(HORIZON);
  const after = [...server.arrivals].filter(([second]) => second * SECOND >= OUTAGE);
  const connects = [...server.probes].filter(([second]) => second * SECOND >= OUTAGE).map(([, count]) => count);
  const peak = Math.max(...after.map(([, count]) => count));
  const ideal = (DEVICES * BACKLOG) / CAPACITY;
  return {
    'busiest second after the return, times what the server can do': (peak / CAPACITY).toFixed(1),
    'busiest minute after the return, times what the server can do': (busiestMinute(after) / (60 * CAPACITY)).toFixed(
      1,
    ),
    'most probes (TCP connects) in a second after the return, share of all devices': `${((100 * Math.max(0, ...connects)) / DEVICES).toFixed(1)} %`,
    'requests a write after the return': ((server.served + server.refused) / server.served).toFixed(2),
    'probes and requests a device and hour while it was down': (
      server.whileDown /
      DEVICES /
      (OUTAGE / 3_600_000)
    ).toFixed(0),
    'backlog gone after, times the least possible':
      done === DEVICES
        ? ((lastDone - OUTAGE) / SECOND / ideal).toFixed(2)
        : `not within ${(HORIZON - OUTAGE) / 3_600_000} h (${Math.round((100 * done) / DEVICES)} % of devices)`,
  };
}

function newDevice(id, random) {
  const target = {
    id: 1,
    name: 'api',
    order: 'entity',
    implicitBaseUrl: undefined,
    boundTo: undefined,
    state: 'online',
    since: 0,
    until: undefined,
    setAt: 0,
    reason: undefined,
    holdKind: undefined,
    holdStep: 0,
    holdMark: 0,
    tries: 0,
    tester: 0,
    failItem: 0,
    failAttempt: 0,
    failOtherAttempt: 0,
    refusals: undefined,
    offlineMs: 0,
    paused: undefined,
    soundAttempt: 0,
    lastCompletedAt: undefined,
  };
  return {
    id,
    target,
    item: 1,
    facts: newFacts(1),
    left: BACKLOG,
    lastAttempt: 0,
    schedule: new ProbeSchedule(random),
  };
}

function newFacts(id) {
  return {
    id,
    laneKey: id,
    operation: 'create',
    attemptNumber: 1,
    retryCount: 0,
    maxRetries: undefined,
    failures: 0,
    crashes: 0,
    failMark: undefined,
    failingSince: undefined,
    expiresAt: undefined,
  };
}

function ending(outcome, retryAfterMs) {
  const status = { delivered: 200, unavailable: 503, throttled: 503 }[outcome];
  return {
    outcome,
    status,
    message: outcome,
    cause: outcome,
    retryAfterMs,
    durationMs: ROUND_TRIP,
    redirectedTo: undefined,
    response: undefined,
    crashed: false,
  };
}

function busiestMinute(seconds) {
  const minutes = new Map();
  for (const [second, count] of seconds)
    minutes.set(Math.floor(second / 60), (minutes.get(Math.floor(second / 60)) ?? 0) + count);
  return Math.max(...minutes.values());
}

/** Numbers in [0, 1) that are the same in every run. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Events by time. */
class Heap {
  now = 0;
  #items = [];

  push(at, run) {
    const items = this.#items;
    let index = items.push({ at, run }) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (items[parent].at <= items[index].at) break;
      [items[parent], items[index]] = [items[index], items[parent]];
      index = parent;
    }
  }

  run(until) {
    for (let next = this.#pop(); next !== undefined && next.at <= until; next = this.#pop()) {
      this.now = next.at;
      next.run();
    }
  }

  #pop() {
    const items = this.#items;
    const [first] = items;
    const last = items.pop();
    if (items.length > 0) items[0] = last;
    for (let index = 0; ;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2])
        if (child < items.length && items[child].at < items[least].at) least = child;
      if (least === index) return first;
      [items[least], items[index]] = [items[index], items[least]];
      index = least;
    }
  }
}

for (const scene of SCENES) {
  const result = simulate(scene);
  if (flags.json) console.log(JSON.stringify({ scene: scene.name, ...result }));
  else {
    console.log(`\n${scene.name}`);
    for (const [what, value] of Object.entries(result)) console.log(`  ${what}: ${value}`);
  }
}
