/** The whole examination of a queue: its file, the disk and the clock around it, and the config that goes with it. */
import type { Clock } from '../../nouns/clock.js';
import { currentUid } from '../../nouns/host.js';
import { examineFile, type FileExamination } from '../sqlite/examine.js';
import { adoptFile, backupFile, type BackupReport } from '../sqlite/backup.js';
import { repairFile, type RepairReport } from '../sqlite/repair.js';
import { salvage, type Salvage, type SavedItem } from '../sqlite/rescue.js';
import type { Actor } from '../store.js';
import { gravest } from '../../nouns/finding.js';
import { clockFindings, configFindings, type ConfigFacts } from '../../policy/doctor-findings.js';

export type { BackupReport, RepairReport, Salvage, SavedItem };

/** Which queue file, and with what rights it is looked at. */
export interface FilePlace {
  /** Absolute path. */
  path: string;
  clock: Clock;
  /** As `SYNCQ_ALLOW_NETWORK_DISK=1`. Default false. */
  allowNetworkDisk?: boolean;
}

export interface Examination extends FileExamination {
  verdict: 'sound' | 'problem' | 'unusable';
}

const optionsOf = ({ path, clock, allowNetworkDisk }: FilePlace): Parameters<typeof examineFile>[0] => ({
  path,
  clock,
  uid: currentUid(),
  allowNetworkDisk: allowNetworkDisk ?? false,
});

/** Reads everything, changes nothing. What is wrong is an answer, not an error. */
export async function examineQueue(place: FilePlace, config: ConfigFacts, signal?: AbortSignal): Promise<Examination> {
  const file = await examineFile(optionsOf(place), signal);
  const findings = [
    ...file.findings,
    ...configFindings(config, file.targets),
    ...clockFindings(place.clock.now(), file.latestAt),
  ];
  return { ...file, findings, verdict: gravest(findings) ?? 'sound' };
}

/** Mends lane heads and counts. @throws {QueueError} other-runner, corrupt, and whatever opening refuses */
export async function repairQueue(place: FilePlace, by: Actor): Promise<RepairReport> {
  return repairFile(optionsOf(place), by);
}

/** Makes a consistent, stamped copy. @throws {QueueError} usage when `file` exists; disk-full, unwritable, corrupt */
export function backupQueue(place: FilePlace, file: string): BackupReport {
  return backupFile(optionsOf(place), file);
}

/** Makes a copy a queue in its own right. @returns what it was a copy of; undefined = it was none */
export async function adoptQueue(place: FilePlace, by: Actor): Promise<string | undefined> {
  return adoptFile(optionsOf(place), by);
}

/** Every item that can be read, also from a damaged file. @throws {QueueError} corrupt when nothing can be read at all */
export function salvageQueue({ path }: FilePlace): Iterable<Salvage> {
  return salvage(path, currentUid());
}
