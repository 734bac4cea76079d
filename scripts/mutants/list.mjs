/** The mutants: what each breaks, by exact replacements that must match exactly once, and the tests that must notice. */
import { STORE_MUTANTS } from './store.mjs';

const MODEL = 'test/model/model.test.ts';
const FENCE = 'test/model/fence.test.ts';
const STORIES = 'test/model/scenarios.test.ts';
const RULES = [
  'test/core/policy/target-state.test.ts',
  'test/core/policy/outage.test.ts',
  'test/core/policy/settle.test.ts',
];
const SQLITE = 'src/core/store/sqlite';

const edit = (file, from, to) => ({ file, from, to });

export const MUTANTS = [
  {
    name: 'fence-removed',
    breaks: 'a result is written whoever has the claim by now',
    edits: [edit(`${SQLITE}/write/settle.ts`, 'AND claim_attempt = ?`;', 'AND ? IS NOT NULL`;')],
    tests: [FENCE],
  },
  {
    name: 'lock-removed',
    breaks: 'a runner starts although another one has the queue',
    edits: [
      edit(`${SQLITE}/file/lock.ts`, 'if (hasRunnerHere(queue)) return undefined;', ''),
      edit(
        `${SQLITE}/file/lock.ts`,
        '    if (isBusy(error)) return undefined;\n    throw storeError(error, path, false);',
        '    return { intact: () => true, release: () => undefined };',
      ),
    ],
    tests: [MODEL],
  },
  {
    name: 'synchronous-normal',
    breaks: 'commits are not flushed: a power cut loses what was acknowledged',
    edits: [
      edit(`${SQLITE}/file/open.ts`, "db.pragma('synchronous = FULL');", "db.pragma('synchronous = NORMAL');"),
      edit(`${SQLITE}/file/open.ts`, 'synchronous === 2) return;', 'synchronous !== 0) return;'),
    ],
    tests: [FENCE],
  },
  {
    name: 'new-key-per-attempt',
    breaks: 'each attempt goes out under a key of its own',
    edits: [
      edit(
        `${SQLITE}/sql/rows.ts`,
        'idempotencyKey: row.idempotency_key,\n  };',
        'idempotencyKey: `${row.idempotency_key}-${Math.random()}`,\n  };',
      ),
    ],
    tests: [MODEL],
  },
  {
    name: 'redirect-followed',
    breaks: 'any redirect is followed, and its end taken for the answer',
    edits: [
      edit(
        'src/core/send/send.ts',
        '(end.status !== 307 && end.status !== 308)',
        '(end.status < 300 || end.status > 399)',
      ),
    ],
    tests: ['test/core/send/send.test.ts'],
  },
  {
    name: 'retry-in-the-client',
    breaks: 'the HTTP client sends again by itself, unrecorded',
    edits: [
      edit(
        'src/core/send/send.ts',
        'let end = await exchange(outgoing);',
        "let end = await exchange(outgoing);\n    if (end.kind !== 'answer' || end.status === 503) end = await exchange(outgoing);",
      ),
    ],
    tests: ['test/core/send/send-failures.test.ts', 'test/core/send/send.test.ts', 'test/core/runner/outcomes.test.ts'],
  },
  {
    name: 'retry-in-the-channel',
    breaks: 'one attempt in the ledger is two requests on the wire',
    edits: [
      edit(
        'src/core/runner/channel.ts',
        'return sender.send(request, { credential, signal });',
        "const first = await sender.send(request, { credential, signal });\n    return first.kind === 'no-answer' ? sender.send(request, { credential, signal }) : first;",
      ),
    ],
    tests: [MODEL],
  },
  {
    name: 'lane-head-skipped',
    breaks: 'a write goes before one of its lane that is in review',
    edits: [
      edit(
        `${SQLITE}/write/lanes.ts`,
        'WHERE target_id = ? AND lane = ? AND lane IS NOT NULL AND state < ${COMPLETED} LIMIT 1`;',
        'WHERE target_id = ? AND lane = ? AND lane IS NOT NULL AND state < ${COMPLETED} AND state <> 2 LIMIT 1`;',
      ),
    ],
    tests: [MODEL],
  },
  {
    name: 'probe-as-evidence',
    breaks: 'a probe that gets through counts as an answer of the API',
    edits: [
      edit(
        'src/core/connectivity/prober.ts',
        "return enterState(target, now, 'online', undefined);",
        "return { ...enterState(target, now, 'online', undefined), soundAttempt: Number.MAX_SAFE_INTEGER };",
      ),
    ],
    tests: [STORIES],
  },
  {
    name: 'tester-not-rotated',
    breaks: 'a held target is always tested with the same item',
    edits: [
      edit(
        `${SQLITE}/write/claim.ts`,
        'readyIds(this.#connection, id, tester, 1)',
        'readyIds(this.#connection, id, 0, 1)',
      ),
    ],
    tests: [STORIES],
  },
  {
    name: 'lock-collected',
    breaks: 'nobody keeps the lock alive: garbage collection frees it',
    edits: [
      edit(`${SQLITE}/file/lock.ts`, 'heldLocks.set(path, db);', 'const weak = new WeakRef(db);'),
      edit(`${SQLITE}/file/lock.ts`, 'if (heldLocks.get(path) !== db) return;', 'if (!hasRunnerHere(queue)) return;'),
      edit(
        `${SQLITE}/file/lock.ts`,
        '      if (runnersHere.get(queue) === queuePath) runnersHere.delete(queue);\n      db.close();',
        '      runnersHere.delete(queue);\n      weak.deref()?.close();',
      ),
    ],
    tests: [FENCE],
  },
  {
    name: 'lock-file-deleted',
    breaks: 'a runner goes on although its lock file is gone',
    edits: [edit(`${SQLITE}/write/session.ts`, 'isOurs && this.#lock.intact()', 'isOurs')],
    tests: [FENCE],
  },
  {
    name: 'commit-without-epoch',
    breaks: 'a runner that lost the queue while it was stopped goes on when it wakes',
    edits: [
      edit(`${SQLITE}/write/session.ts`, 'this.#storedEpoch() === this.epoch', 'this.#storedEpoch() !== undefined'),
    ],
    tests: [MODEL],
  },
  {
    name: 'or-ignore-on-the-view',
    breaks: 'a bad row that another program inserts is not refused before it is written',
    edits: [edit(`${SQLITE}/sql/outbox.ts`, "${CHECKS.join('\\n  ')}", '')],
    tests: [MODEL],
  },
  {
    name: 'head-not-promoted',
    breaks: 'the next of a lane is not let go when the one before it is done',
    edits: [
      edit(
        `${SQLITE}/write/settle.ts`,
        'if (place.lane !== null) nextInLane(connection, tally, place.target, place.lane, now);',
        '',
      ),
    ],
    tests: [MODEL],
  },
  {
    name: 'crash-forgotten',
    breaks: 'what a dead runner left open is never looked at',
    edits: [
      edit(
        'src/core/runner/runner.ts',
        'const { recovered, more } = await session.recover(RECOVER_BATCH, clock.now());',
        'const { recovered, more } = { recovered: [], more: false };',
      ),
    ],
    tests: [MODEL],
  },
  {
    name: 'pause-ignored',
    breaks: 'a paused target is sent to',
    edits: [edit('src/core/policy/target-state.ts', '  if (isPaused(target, now)) return false;\n', '')],
    tests: [MODEL],
  },
  {
    name: 'first-failure-counts',
    breaks: 'a server that is down spends the retries of its items',
    edits: [
      edit(
        'src/core/policy/outage.ts',
        '|| facts.failMark === undefined) return false;',
        ') return false;\n  if (facts.failMark === undefined) return true;',
      ),
    ],
    tests: RULES,
  },
  {
    name: 'late-answer-ends-hold',
    breaks: 'an answer from before a hold ends it',
    edits: [
      edit(
        'src/core/policy/target-state.ts',
        "isTimedHold(target) ? attempt <= target.holdMark : target.state === 'misconfigured'",
        "target.state === 'misconfigured' && attempt < 0",
      ),
    ],
    tests: RULES,
  },
  {
    name: 'stale-probe-applied',
    breaks: 'a probe begun while a target was offline ends what has come since',
    edits: [edit(`${SQLITE}/write/session.ts`, 'if (from !== undefined && from !== target.state) return;', '')],
    tests: [STORIES],
  },
  ...STORE_MUTANTS,
];

/** @throws when a replacement does not match exactly once: the sources have changed, and the mutant must follow */
export function mutate(text, { name, edits }, file) {
  return edits
    .filter((change) => change.file === file)
    .reduce((result, { from, to }) => {
      const found = result.split(from).length - 1;
      if (found !== 1) throw new Error(`${name}: ${found} matches in ${file} of ${from}`);
      return result.replace(from, () => to);
    }, text);
}
