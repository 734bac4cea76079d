/** How much of a request has not left this machine yet. */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';

/**
 * Bytes that the other side has not acknowledged, as far as this system tells: those that wait in the process, and on
 * Linux those in the kernel's send buffer, which takes megabytes at once. Encryption counts, so this is an upper bound.
 */
export function unsentBytes(socket: Socket): number {
  // Node counts a pending write as a whole; its handle knows how much of it is left.
  const { _handle: handle } = socket as { _handle?: { writeQueueSize?: number } | null };
  return (handle?.writeQueueSize ?? socket.writableLength) + unacknowledged(socket);
}

/** The queue of a connection in /proc/net/tcp (proc(5)); 0 where there is no such file. */
function unacknowledged({ localPort = 0, remotePort = 0, remoteFamily }: Socket): number {
  const port = (value: number): string => value.toString(16).toUpperCase().padStart(4, '0');
  const row = new RegExp(`:${port(localPort)} [0-9A-F]+:${port(remotePort)} [0-9A-F]{2} ([0-9A-F]{8}):`);
  try {
    const table = readFileSync(remoteFamily === 'IPv6' ? '/proc/self/net/tcp6' : '/proc/self/net/tcp', 'latin1');
    return Number.parseInt(row.exec(table)?.[1] ?? '0', 16);
  } catch {
    return 0;
  }
}
