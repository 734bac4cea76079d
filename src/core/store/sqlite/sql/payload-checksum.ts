/** The checksum in `payload_sha256`: it protects the bytes of a payload from enqueue to the end. */
import { hash } from 'node:crypto';

export function sha256(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}
