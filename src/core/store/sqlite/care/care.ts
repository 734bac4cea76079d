/** Examines, repairs, copies, adopts and salvages a queue file: the SQLite side of `Care`. */
import { currentUid } from '../../../nouns/host.js';
import type { Care, FilePlace } from '../../care.js';
import { adoptFile, backupFile } from './backup.js';
import { examineFile } from './examine.js';
import { repairFile } from './repair.js';
import { salvage } from './salvage.js';

export function sqliteCare({ path, clock, allowNetworkDisk = false }: FilePlace): Care {
  const options = { path, clock, uid: currentUid(), allowNetworkDisk };
  return {
    examine: () => examineFile(options),
    repair: (by) => repairFile(options, by),
    backup: (file) => backupFile(options, file),
    adopt: (by) => adoptFile(options, by),
    salvage: () => salvage(path, options.uid),
  };
}
