/** Options for opening a queue file; not in `open.ts`, so that the library's types do not depend on the driver's. */
import type { Clock } from '../../../nouns/clock.js';

export interface OpenOptions {
  path: string;
  /** `create` creates a missing file, `write` needs one, `read` never changes a byte of it. */
  mode: 'read' | 'write' | 'create';
  clock: Clock;
  /** Numeric id of the user; undefined on Windows: modes and owners are not checked. */
  uid: number | undefined;
  /** Allows a network file system, whose locks may not work. */
  allowNetworkDisk: boolean;
  /** Free bytes on a disk, at least `enough` if there is that much. Default: asks the system. */
  freeSpace?: (path: string, enough: number) => number;
  /** Type of the file system of a directory, as statfs(2) numbers it. Default: asks the system. */
  diskType?: (path: string) => number;
}
