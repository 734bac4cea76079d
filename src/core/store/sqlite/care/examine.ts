/** Examines a whole queue file for `doctor`: changes nothing, and goes on after every fault that it can skip. */
import { lstatSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { finding, type Finding } from '../../../nouns/finding.js';
import { diskFindings, modeFindings, type FileFacts } from '../../../policy/doctor-findings.js';
import { isQueueError } from '../../../nouns/errors.js';
import { hasInodes } from '../../../files/file-failure.js';
import type { FileExamination } from '../../care.js';
import { auditDerived, auditPages, damaged, PayloadAudit } from './audit.js';
import type { Connection } from '../file/connection.js';
import { storeError } from '../file/connection.js';
import { sqliteVersion } from '../file/driver.js';
import type { OpenOptions } from '../file/open-options.js';
import { compareSchema, howTo } from '../file/known-schema.js';
import { isLocked } from '../file/lock.js';
import { openFile } from '../file/open.js';
import { BESIDE, realDirectory } from '../file/place.js';
import { freeBytes, LEAST_FREE_BYTES } from '../file/reserve.js';
import { readRunner } from '../read/status.js';

export async function examineFile(options: Omit<OpenOptions, 'mode'>): Promise<FileExamination> {
  const { path } = options;
  const walBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  const freeBytes = freeBytesAt(path);
  const examination: FileExamination = {
    findings: [
      ...modeFindings(filesOf(path), factsOf(realDirectory(path) ?? dirname(path)), options.uid),
      ...diskFindings({ path, walBytes, freeBytes, leastFreeBytes: LEAST_FREE_BYTES, hasInodes: hasInodes(path) }),
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
  await lookInside(options, examination);
  return examination;
}

async function lookInside(options: Omit<OpenOptions, 'mode'>, examination: FileExamination): Promise<void> {
  let connection: Connection;
  try {
    connection = openFile({ ...options, mode: 'read' });
  } catch (error) {
    const failure = asFinding(error, options.path);
    // Advice about the modes of a foreign file would be wrong.
    examination.findings = NOT_OURS.includes(failure.code) ? [failure] : [...examination.findings, failure];
    return;
  }
  try {
    const damage = auditPages(connection);
    examination.findings.push(...damage);
    schemaFindings(connection, examination.findings);
    await connection.read(() => readFacts(connection, options.path, examination));
    await checkPayloads(connection, examination);
    if (damage.length === 0) await connection.read(() => examination.findings.push(...auditDerived(connection)));
  } catch (error) {
    // The integrity check may have reported the damage already.
    const failure = asFinding(error, options.path);
    if (!examination.findings.some(({ code }) => code === failure.code)) examination.findings.push(failure);
  } finally {
    connection.close();
  }
}

const NOT_OURS = ['queue-owner', 'not-a-queue', 'newer-schema'];

/** An error of opening or reading, as a finding; a defect is thrown. */
function asFinding(error: unknown, path: string): Finding {
  const failure = isQueueError(error) ? error : storeError(error, path, false);
  if (!isQueueError(failure)) throw failure;
  if (failure.code === 'corrupt' && failure.hint?.includes('syncq doctor') === true) return damaged(failure.message);
  return finding('unusable', failure.code, failure.message, failure.hint === undefined ? {} : { next: failure.hint });
}

const SHOWN_NAMES = 5;

function schemaFindings({ db }: Connection, findings: Finding[]): void {
  const { faults, others } = compareSchema(db);
  const safe = 'nothing is stored or sent until that is undone';
  for (const fault of faults)
    findings.push(finding('unusable', 'corrupt', fault.message, { safe, next: howTo(fault) }));
  if (others.length === 0) return;
  const names = others.slice(0, SHOWN_NAMES).join(', ') + (others.length > SHOWN_NAMES ? ', ...' : '');
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
  examination.runner = readRunner(connection, () => isLocked(path));
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

/** Ids ascend with time, so the last 1,000 items are enough. */
function latestAt(connection: Connection): number | undefined {
  const row = connection.get<{ at: number | null }>(
    `SELECT max(at) AS at FROM (
       SELECT max(max(created_at, ifnull(state_at, 0))) AS at FROM (SELECT created_at, state_at FROM item ORDER BY id DESC LIMIT 1000)
       UNION ALL SELECT max(at) FROM history UNION ALL SELECT max(seen_at) FROM runner)`,
  );
  return row?.at ?? undefined;
}

/** Payloads read in one transaction: few enough that signals are handled in between. */
const BATCH = 64;

async function checkPayloads(connection: Connection, examination: FileExamination): Promise<void> {
  const audit = new PayloadAudit(connection);
  let after: number | undefined = 0;
  while (after !== undefined) {
    const from: number = after;
    after = await connection.read(() => audit.next(from, BATCH));
  }
  Object.assign(examination, audit.counts);
  examination.findings.push(...audit.findings());
}

function freeBytesAt(path: string): number | undefined {
  try {
    return freeBytes(dirname(path));
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
