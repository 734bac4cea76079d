/** Looks through a whole queue file and says what it finds; changes nothing, and stops at nothing it can step over. */
import { lstatSync, statSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';

import { finding, someItems, type Finding } from '../../nouns/finding.js';
import { diskFindings, modeFindings, type FileFacts, type KnownTarget } from '../../policy/doctor-findings.js';
import { isQueueError } from '../../nouns/errors.js';
import type { RunnerInfo } from '../store.js';
import { auditDerived, orphans } from './audit.js';
import type { Connection } from './connection.js';
import { storeError } from './connection.js';
import { sqliteVersion } from './driver.js';
import { sha256 } from './enqueue.js';
import type { OpenOptions } from './open-options.js';
import { compareSchema, howTo } from './known-schema.js';
import { openFile } from './open.js';
import { BESIDE, realDirectory } from './place.js';
import { LEAST_FREE_BYTES } from './reserve.js';
import { readRunner } from './summary.js';

export interface FileExamination {
  findings: Finding[];
  sqlite: string;
  walBytes: number;
  freeBytes: number | undefined;
  /** The rest is unknown when the file could not be opened. */
  schemaVersion: number | undefined;
  items: number | undefined;
  /** Items with a payload, and how many of those have no checksum yet. */
  payloads: number | undefined;
  unsealed: number | undefined;
  copyOf: string | undefined;
  runner: RunnerInfo | undefined;
  targets: KnownTarget[];
  /** Latest time that anything in the file bears, epoch ms. */
  latestAt: number | undefined;
}

/** `signal` ends the long walk over the payloads early, with what was found so far. */
export async function examineFile(options: Omit<OpenOptions, 'mode'>, signal?: AbortSignal): Promise<FileExamination> {
  const { path } = options;
  const walBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  const freeBytes = freeBytesAt(path);
  const examination: FileExamination = {
    findings: [
      ...modeFindings(filesOf(path), factsOf(realDirectory(path) ?? dirname(path)), options.uid),
      ...diskFindings({ path, walBytes, freeBytes, leastFreeBytes: LEAST_FREE_BYTES }),
    ],
    sqlite: sqliteVersion(),
    walBytes,
    freeBytes,
    schemaVersion: undefined,
    items: undefined,
    payloads: undefined,
    unsealed: undefined,
    copyOf: undefined,
    runner: undefined,
    targets: [],
    latestAt: undefined,
  };
  await lookInside(options, examination, signal);
  return examination;
}

async function lookInside(
  options: Omit<OpenOptions, 'mode'>,
  examination: FileExamination,
  signal: AbortSignal | undefined,
): Promise<void> {
  let opened: ReturnType<typeof openFile>;
  try {
    opened = openFile({ ...options, mode: 'read' });
  } catch (error) {
    const failure = asFinding(error, options.path);
    // Advice about the modes of a file that is none of ours would be wrong.
    examination.findings = NOT_OURS.includes(failure.code) ? [failure] : [...examination.findings, failure];
    return;
  }
  const { connection, dispose } = opened;
  try {
    const isWhole = integrity(connection, examination.findings);
    schemaFindings(connection, examination.findings);
    await connection.read(() => readFacts(connection, options.path, examination));
    await checkPayloads(connection, examination, signal);
    if (isWhole) {
      await connection.read(() => examination.findings.push(...orphans(connection), ...auditDerived(connection)));
    }
  } catch (error) {
    // Damage may have been told already, in the words of the integrity check.
    const failure = asFinding(error, options.path);
    if (!examination.findings.some(({ code }) => code === failure.code)) examination.findings.push(failure);
  } finally {
    connection.close();
    dispose();
  }
}

const NOT_OURS = ['queue-owner', 'not-a-queue', 'newer-schema'];

/** What opening or reading threw, as a finding; a defect stays an error. */
function asFinding(error: unknown, path: string): Finding {
  const failure = isQueueError(error) ? error : storeError(error, path, false);
  if (!isQueueError(failure)) throw failure;
  if (failure.code === 'corrupt' && failure.hint?.includes('syncq doctor') === true) return damaged(failure.message);
  return finding('unusable', failure.code, failure.message, failure.hint === undefined ? {} : { next: failure.hint });
}

function damaged(message: string): Finding {
  return finding('unusable', 'corrupt', message, {
    safe: 'nothing is sent from a damaged file, and syncq never removes it',
    next: 'stop all programs that use it, keep a copy of the file and its -wal, save what can be read (syncq doctor --save FILE), and enqueue that into a new queue (syncq enqueue --from FILE)',
  });
}

const SHOWN_FAULTS = 5;

function integrity(connection: Connection, findings: Finding[]): boolean {
  let faults: string[];
  try {
    faults = (connection.db.pragma('integrity_check(100)') as { integrity_check: string }[]).map(
      (row) => row.integrity_check,
    );
  } catch (error) {
    faults = [`it cannot be read through (${(error as { code?: string }).code ?? 'unknown error'})`];
  }
  if (faults.length === 1 && faults[0] === 'ok') return true;
  const shown = faults.slice(0, SHOWN_FAULTS).map((fault) => fault.replace(/\s+/g, ' '));
  const more = faults.length > SHOWN_FAULTS ? `; and ${faults.length - SHOWN_FAULTS} more` : '';
  findings.push(damaged(`the file is damaged: ${shown.join('; ')}${more}`));
  return false;
}

function schemaFindings({ db }: Connection, findings: Finding[]): void {
  const { faults, others } = compareSchema(db);
  const safe = 'nothing is stored or sent until that is undone';
  for (const fault of faults)
    findings.push(finding('unusable', 'corrupt', fault.message, { safe, next: howTo(fault) }));
  if (others.length === 0) return;
  const names = others.slice(0, SHOWN_FAULTS).join(', ') + (others.length > SHOWN_FAULTS ? ', ...' : '');
  findings.push(
    finding(
      'note',
      'others-tables',
      `the file also holds ${others.length} tables or views of other programs: ${names}`,
    ),
  );
}

function readFacts(connection: Connection, path: string, examination: FileExamination): void {
  const { findings } = examination;
  examination.schemaVersion = connection.db.pragma('user_version', { simple: true }) as number;
  examination.copyOf = connection.get<{ copy_of: string | null }>('SELECT copy_of FROM queue')?.copy_of ?? undefined;
  examination.runner = readRunner(connection, path);
  examination.targets = connection
    .all<{ name: string; implicit_base_url: string | null; bound_to: string | null; unfinished: number }>(
      `SELECT name, implicit_base_url, bound_to, ifnull(pending + sending + review, 0) AS unfinished
       FROM target LEFT JOIN tally ON tally.target_id = target.id ORDER BY target.id`,
    )
    .map((row) => ({
      name: row.name,
      implicit: row.implicit_base_url !== null,
      boundTo: row.bound_to ?? undefined,
      unfinished: row.unfinished,
    }));
  examination.latestAt = latestAt(connection);
  if (examination.copyOf !== undefined) {
    findings.push(
      finding('problem', 'queue-is-copy', `this file is a copy of ${examination.copyOf}; run and watch refuse it`, {
        safe: 'everything can be read; the original may have sent these writes already',
        next: 'if the original is gone for good, and only then: syncq doctor --adopt',
      }),
    );
  }
}

/** Items are numbered as they are stored, so the last ones are the latest; a sample keeps this cheap. */
function latestAt(connection: Connection): number | undefined {
  const row = connection.get<{ at: number | null }>(
    `SELECT max(at) AS at FROM (
       SELECT max(max(created_at, ifnull(state_at, 0))) AS at FROM (SELECT created_at, state_at FROM item ORDER BY id DESC LIMIT 1000)
       UNION ALL SELECT max(at) FROM history UNION ALL SELECT max(seen_at) FROM runner)`,
  );
  return row?.at ?? undefined;
}

/** Payloads read at a time: few enough that a signal is heard soon. */
const BATCH = 64;

/** SQLite's own check cannot see a flipped bit within a payload; the checksum made at enqueue can. */
async function checkPayloads(
  connection: Connection,
  examination: FileExamination,
  signal: AbortSignal | undefined,
): Promise<void> {
  const altered: number[] = [];
  const unreadable: number[] = [];
  const counts = { items: 0, payloads: 0, unsealed: 0 };
  let after = 0;
  while (signal?.aborted !== true) {
    const from = after;
    const ids = await connection.read(() =>
      connection.all<{ id: number }>('SELECT id FROM item WHERE id > ? ORDER BY id LIMIT ?', from, BATCH),
    );
    if (ids.length === 0) break;
    await connection.read(() => {
      for (const { id } of ids) {
        const verdict = checkPayload(connection, id);
        if (verdict !== 'none') counts.payloads += 1;
        if (verdict === 'altered') altered.push(id);
        if (verdict === 'unreadable') unreadable.push(id);
        if (verdict === 'unsealed') counts.unsealed += 1;
      }
    });
    counts.items += ids.length;
    after = ids.at(-1)?.id ?? after;
  }
  Object.assign(examination, counts);
  tellPayloads(examination.findings, altered, unreadable, counts.unsealed);
}

function checkPayload(connection: Connection, id: number): 'none' | 'sound' | 'altered' | 'unreadable' | 'unsealed' {
  let row: { payload: Buffer | null; payload_sha256: Buffer | null } | undefined;
  try {
    row = connection.get('SELECT payload, payload_sha256 FROM item WHERE id = ?', id);
  } catch {
    return 'unreadable';
  }
  if (row?.payload == null) return 'none';
  if (row.payload_sha256 === null) return 'unsealed';
  return sha256(row.payload).equals(row.payload_sha256) ? 'sound' : 'altered';
}

function tellPayloads(
  findings: Finding[],
  altered: readonly number[],
  unreadable: readonly number[],
  unsealed: number,
): void {
  if (altered.length > 0)
    findings.push(damaged(`the stored bytes of ${someItems(altered)} are not those that were enqueued`));
  if (unreadable.length > 0) findings.push(damaged(`${someItems(unreadable)} cannot be read`));
  if (unsealed > 0) {
    findings.push(
      finding(
        'note',
        'not-sealed',
        `${unsealed} items that another program stored have no checksum yet; each gets one when it is first sent`,
      ),
    );
  }
}

function freeBytesAt(path: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

function filesOf(path: string): FileFacts[] {
  return ['', ...BESIDE]
    .map((suffix) => path + suffix)
    .filter((name) => lstatSync(name, { throwIfNoEntry: false }) !== undefined)
    .map(factsOf);
}

function factsOf(path: string): FileFacts {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return { path, mode: found?.mode, uid: found?.uid };
}
