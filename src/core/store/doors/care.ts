/** Cares for a queue, whichever store keeps it; an examination also covers its clock and the config that goes with it. */
import { gravest } from '../../nouns/finding.js';
import { clockFindings, configFindings, type ConfigFacts } from '../../policy/doctor-findings.js';
import type { BackupReport, FileExamination, FilePlace, RepairReport, Salvage, SavedItem } from '../care.js';
import { sqliteCare } from '../sqlite/care/care.js';
import type { Actor } from '../store.js';

export type { BackupReport, FilePlace, RepairReport, Salvage, SavedItem };

export interface Examination extends FileExamination {
  verdict: 'sound' | 'problem' | 'unusable';
}

/** Reads everything, changes nothing. A fault is a finding, not an error. */
export async function examineQueue(place: FilePlace, config: ConfigFacts): Promise<Examination> {
  const file = await sqliteCare(place).examine();
  const findings = [
    ...file.findings,
    ...configFindings(config, file.targets),
    ...clockFindings(place.clock.now(), file.latestAt),
  ];
  return { ...file, findings, verdict: gravest(findings) ?? 'sound' };
}

/** As `Care.repair`. */
export async function repairQueue(place: FilePlace, by: Actor): Promise<RepairReport> {
  return sqliteCare(place).repair(by);
}

/** As `Care.backup`. */
export function backupQueue(place: FilePlace, file: string): BackupReport {
  return sqliteCare(place).backup(file);
}

/** As `Care.adopt`. */
export async function adoptQueue(place: FilePlace, by: Actor): Promise<string | undefined> {
  return sqliteCare(place).adopt(by);
}

/** As `Care.salvage`. */
export function salvageQueue(place: FilePlace): Iterable<Salvage> {
  return sqliteCare(place).salvage();
}
