/** Creates files that only their owner can read (0600 whatever the umask), and never through a symbolic link. */
import { constants, fchmodSync, openSync } from 'node:fs';

/** Absent on Windows. */
const { O_NOFOLLOW = 0 } = constants as Partial<typeof constants>;

/** Opens a file and makes it (0600) when it is missing. @param flags besides O_CREAT and O_NOFOLLOW, e.g. O_EXCL */
export function openPrivate(path: string, flags: number): number {
  const handle = openNoLink(path, flags);
  fchmodSync(handle, 0o600);
  return handle;
}

/** The same, but what is there already keeps its mode: it may be a device. */
export function openNoLink(path: string, flags: number): number {
  return openSync(path, constants.O_CREAT | O_NOFOLLOW | flags, 0o600);
}
