/**
 * What a power cut can leave of a directory: reads strace's log of one process's writes and syncs, and rebuilds the disk
 * as it may be after any of them. What was flushed is there; of the rest nothing, a beginning, any part, or torn sectors.
 */

export type Operation =
  | { kind: 'write'; file: string; at: number; bytes: Buffer }
  | { kind: 'truncate'; file: string; size: number }
  | { kind: 'sync'; file: string }
  | { kind: 'create'; file: string }
  | { kind: 'remove'; file: string }
  /** Written to stdout: an acknowledgement. */
  | { kind: 'told'; text: string }
  /** Written to a socket. */
  | { kind: 'sent'; text: string };

const LINE = /^(\w+)\((.*)\)\s+= (-?\d+)(.*)$/;
const HEX = /(?:\\x[0-9a-f]{2})+/g;

const unhex = (text: string): Buffer => Buffer.from(text.replaceAll('\\x', ''), 'hex');
const plain = (text: string): string => text.replace(HEX, (hex) => unhex(hex).toString('latin1'));
const fileOf = (handle: string): string => plain(/^\d+<(.*)>$/.exec(handle)?.[1] ?? '').replace(/\s*\(deleted\)$/, '');

/** Reads the lines of `strace -y -xx`; only files under `directory` matter. */
export function parseLog(log: string, directory: string): Operation[] {
  return log.split('\n').flatMap((line) => {
    const [, call = '', rest = '', result = '-1', tail = ''] = LINE.exec(line) ?? [];
    if (Number(result) < 0) return [];
    const operation = parseCall(call, rest, tail, Number(result), directory);
    return operation === undefined ? [] : [operation];
  });
}

function parseCall(call: string, rest: string, tail: string, result: number, directory: string): Operation | undefined {
  const inside = (file: string): boolean => file === directory || file.startsWith(`${directory}/`);
  const parts = rest.split(', ');
  const file = fileOf(parts[0] ?? '');
  switch (call) {
    case 'pwrite64':
      return inside(file)
        ? { kind: 'write', file, at: Number(parts.at(-1)), bytes: unhex(quoted(rest)).subarray(0, result) }
        : undefined;
    case 'write':
    case 'writev':
    case 'sendmsg': {
      const text = Array.from(rest.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g), ([, hex]) =>
        unhex(hex ?? '').toString('latin1'),
      ).join('');
      if ((parts[0] ?? '').startsWith('1<')) return { kind: 'told', text };
      return /^(?:TCP|socket):/.test(file) ? { kind: 'sent', text } : undefined;
    }
    case 'ftruncate':
      return inside(file) ? { kind: 'truncate', file, size: Number(parts[1]) } : undefined;
    case 'fsync':
    case 'fdatasync':
      return inside(file) ? { kind: 'sync', file } : undefined;
    case 'openat': {
      const opened = plain(/^<(.*)>$/.exec(tail.trim())?.[1] ?? '');
      return rest.includes('O_CREAT') && inside(opened) ? { kind: 'create', file: opened } : undefined;
    }
    case 'unlink': {
      const removed = plain(quoted(rest));
      return inside(removed) ? { kind: 'remove', file: removed } : undefined;
    }
    default:
      return undefined;
  }
}

const quoted = (text: string): string => /"((?:\\x[0-9a-f]{2})*)"/.exec(text)?.[1] ?? '';

export type LossModel = 'none' | 'prefix' | 'random' | 'torn';

interface Content {
  /** Zero beyond `length`. */
  bytes: Buffer;
  length: number;
}

const empty = (): Content => ({ bytes: Buffer.alloc(0), length: 0 });

interface Unsynced {
  at: number;
  bytes: Buffer | undefined;
  size: number;
}

/** The files after a power cut just behind operation `end`. A name is durable once its directory was flushed. */
export function diskAfter(
  operations: readonly Operation[],
  end: number,
  model: LossModel,
  random: () => number,
  directory: string,
): Map<string, Buffer> {
  const durable = new Map<string, Content>();
  const pending = new Map<string, Unsynced[]>();
  const named = new Set<string>();
  const removed = new Map<string, Content>();
  for (const operation of operations.slice(0, end)) {
    if (operation.kind === 'create' && !durable.has(operation.file)) {
      durable.set(operation.file, empty());
      pending.set(operation.file, []);
    } else if (operation.kind === 'write') {
      queueOf(pending, operation.file).push({ at: operation.at, bytes: operation.bytes, size: 0 });
    } else if (operation.kind === 'truncate') {
      queueOf(pending, operation.file).push({ at: 0, bytes: undefined, size: operation.size });
    } else if (operation.kind === 'sync' && operation.file === directory) {
      for (const name of durable.keys()) named.add(name);
      removed.clear();
    } else if (operation.kind === 'sync') {
      const waiting = pending.get(operation.file) ?? [];
      durable.set(operation.file, waiting.reduce(applied, durable.get(operation.file) ?? empty()));
      pending.set(operation.file, []);
    } else if (operation.kind === 'remove') {
      removed.set(operation.file, durable.get(operation.file) ?? empty());
      durable.delete(operation.file);
      pending.delete(operation.file);
    }
  }
  for (const [name, queue] of pending) {
    durable.set(name, surviving(queue, model, random).reduce(applied, durable.get(name) ?? empty()));
  }
  for (const name of [...durable.keys()]) if (!named.has(name) && random() < 0.5) durable.delete(name);
  for (const [name, bytes] of removed) if (!durable.has(name) && random() < 0.5) durable.set(name, bytes);
  return new Map(Array.from(durable, ([name, { bytes, length }]) => [name, bytes.subarray(0, length)]));
}

function queueOf(pending: Map<string, Unsynced[]>, file: string): Unsynced[] {
  const queue = pending.get(file) ?? [];
  pending.set(file, queue);
  return queue;
}

const SECTOR = 512;

function surviving(queue: readonly Unsynced[], model: LossModel, random: () => number): Unsynced[] {
  if (model === 'none') return [];
  if (model === 'prefix') return queue.slice(0, Math.floor(random() * (queue.length + 1)));
  const some = queue.filter(() => random() < 0.5);
  if (model === 'random') return some;
  return some.flatMap(({ at, bytes, size }): Unsynced[] => {
    if (bytes === undefined) return [{ at, bytes, size }];
    const sectors = Array.from({ length: Math.ceil(bytes.length / SECTOR) }, (_, n) => n * SECTOR);
    return sectors
      .filter(() => random() < 0.7)
      .map((from) => ({ at: at + from, bytes: bytes.subarray(from, from + SECTOR), size: 0 }));
  });
}

/** Changes `content`, which the caller owns: a log of thousands of writes is replayed a thousand times. */
function applied(content: Content, { at, bytes, size }: Unsynced): Content {
  const end = bytes === undefined ? size : at + bytes.length;
  if (end > content.bytes.length) {
    const larger = Buffer.alloc(end * 2);
    content.bytes.copy(larger);
    content.bytes = larger;
  }
  if (bytes === undefined) {
    content.bytes.fill(0, size);
    content.length = size;
  } else {
    bytes.copy(content.bytes, at);
    content.length = Math.max(content.length, end);
  }
  return content;
}
