/**
 * Stands in for `process.stdout` and `process.stderr` when they are files, pipes or sockets: Node's own streams load its network
 * and stream modules, 6 ms of every start. The first `LIMIT` bytes are written at once, which cannot fill a pipe of
 * ours; from then on, and when a write fails or a pipe is full, Node's stream takes over.
 */
import { EventEmitter } from 'node:events';
import { fstatSync, writeSync } from 'node:fs';

/** Bytes; a quarter of a pipe of Linux. */
const LIMIT = 16 * 1024;

type Name = 'stdout' | 'stderr';
type Done = (error?: Error | null) => void;

class PlainOutput extends EventEmitter {
  readonly isTTY = false;
  readonly fd: number;
  private readonly name: Name;
  private readonly original: PropertyDescriptor;
  private written = 0;
  private stream: NodeJS.WriteStream | undefined;

  constructor(name: Name, fd: number, original: PropertyDescriptor) {
    super();
    this.name = name;
    this.fd = fd;
    this.original = original;
  }

  write(data: string | Uint8Array, encodingOrDone?: BufferEncoding | Done, whenDone?: Done): boolean {
    const isDone = typeof encodingOrDone === 'function';
    const done = isDone ? encodingOrDone : whenDone;
    const encoding = isDone ? undefined : encodingOrDone;
    let bytes = typeof data === 'string' ? Buffer.from(data, encoding) : data;
    if (this.stream === undefined && this.written + bytes.length <= LIMIT) {
      try {
        while (bytes.length > 0) {
          const count = writeSync(this.fd, bytes);
          this.written += count;
          bytes = bytes.subarray(count);
        }
      } catch {
        // Node's stream waits for a full pipe, and fails as usual for everything else.
      }
      if (bytes.length === 0) {
        if (done !== undefined) process.nextTick(done, null);
        return true;
      }
    }
    return this.handOver().write(bytes, done);
  }

  /** Node's console looks at it after a failed write. */
  get _writableState(): unknown {
    return (this.stream as { _writableState?: unknown } | undefined)?._writableState;
  }

  private handOver(): NodeJS.WriteStream {
    if (this.stream !== undefined) return this.stream;
    Object.defineProperty(process, this.name, this.original);
    this.stream = process[this.name];
    for (const listener of this.listeners('error')) this.stream.on('error', listener as Done);
    return this.stream;
  }
}

/** Terminals keep Node's stream, and so does Windows, whose pipes differ. */
export function usePlainOutput(): void {
  if (process.platform === 'win32') return;
  for (const [name, fd] of [
    ['stdout', 1],
    ['stderr', 2],
  ] as const) {
    const original = Object.getOwnPropertyDescriptor(process, name);
    // Without a getter, somebody has put a stream of their own there.
    if (original?.get === undefined || !isPlain(fd)) continue;
    const output = new PlainOutput(name, fd, original);
    Object.defineProperty(process, name, { ...original, get: () => output });
  }
}

function isPlain(fd: number): boolean {
  try {
    const found = fstatSync(fd);
    return found.isFile() || found.isFIFO() || found.isSocket();
  } catch {
    return false;
  }
}
