/** How a queue file is opened; apart from `open.ts`, so that the types of the library do not lead to those of the driver. */
import type { Clock } from '../../nouns/clock.js';

export interface OpenOptions {
  path: string;
  /** `create` makes a missing file, `write` needs one, `read` never changes a byte of it. */
  mode: 'read' | 'write' | 'create';
  clock: Clock;
  /** Numeric id of the user; undefined where the platform has none (Windows): modes and owners are not checked. */
  uid: number | undefined;
  /** Allows a network file system, whose locks may not work. */
  allowNetworkDisk: boolean;
  /** How much room a disk has, `enough` of it or more where that is what is asked; default: as the system says. */
  freeSpace?: (path: string, enough: number) => number;
  /** Type of the file system of a directory, as statfs(2) numbers it; default: as the system says. */
  diskType?: (path: string) => number;
}
