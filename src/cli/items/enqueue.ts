/** `enqueue METHOD PATH`: stores one item from the flags and reports it. */
import { systemClock } from '../../core/nouns/clock.js';
import type { Config } from '../../core/nouns/config.js';
import type { IfQueued, Write } from '../../core/index.js';
import { checkDraft, contextOf } from '../../core/input/draft.js';
import { readWrite } from '../../core/input/write.js';
import type { JsonObject } from '../../render/json.js';
import { readData } from './data-flag.js';
import type { ExitCode } from '../program/exit-codes.js';
import { EXIT } from '../program/exit-codes.js';
import type { BeforeMaking, CliQueue } from '../queue/open-queue.js';
import { refuseUsage } from '../program/usage.js';

export interface EnqueueFlags {
  method: string;
  path: string;
  data?: string | undefined;
  'content-type'?: string | undefined;
  entity?: string | undefined;
  operation?: string | undefined;
  target?: string | undefined;
  header?: string[] | undefined;
  key?: string | undefined;
  delay?: string | undefined;
  at?: string | undefined;
  expires?: string | undefined;
  'max-retries'?: number | undefined;
  tag?: string[] | undefined;
  'if-queued'?: string | undefined;
}

export interface Answer {
  document: JsonObject;
  /** For stdout. */
  lines: string[];
  /** For stderr. */
  talk: string[];
  code: ExitCode;
}

/** @throws {QueueError} what the input gate and the store refuse; nothing is stored then */
export async function enqueueOne(
  flags: EnqueueFlags,
  open: (before: BeforeMaking) => Promise<CliQueue>,
  stdin: AsyncIterable<Uint8Array>,
): Promise<Answer> {
  const ifQueued = (flags['if-queued'] ?? 'append') as IfQueued;
  let write: Write | undefined;
  const { queue, config } = await open(async (known) => {
    write = await writeOf(flags, known, stdin);
    checkDraft(readWrite(write), contextOf(known, systemClock.now()));
    return true;
  });
  const result = await queue.enqueue(write ?? (await writeOf(flags, config, stdin)), { ifQueued });
  const { id, idempotencyKey, state, duplicate, replaced } = result;
  const item = { id, idempotencyKey, state, duplicate, ...(replaced === undefined ? {} : { replaced }) };
  return {
    document: { items: [item], count: 1, duplicates: duplicate ? 1 : 0 },
    lines: [String(id)],
    code: EXIT.ok,
    talk: talkAbout(ifQueued, { id, duplicate, replaced }),
  };
}

async function writeOf(flags: EnqueueFlags, config: Config, stdin: AsyncIterable<Uint8Array>): Promise<Write> {
  const { data } = flags;
  return {
    method: flags.method,
    path: flags.path,
    target: flags.target,
    headers: flags.header?.map(headerOf),
    ...(data !== undefined && { body: await readData(data, config.limits.payloadBytes, stdin) }),
    contentType: flags['content-type'],
    entity: flags.entity,
    operation: flags.operation,
    idempotencyKey: flags.key,
    delay: flags.delay,
    at: flags.at,
    expires: flags.expires,
    maxRetries: flags['max-retries'],
    tags: flags.tag,
  };
}

function talkAbout(
  ifQueued: IfQueued,
  { id, duplicate, replaced }: { id: number; duplicate: boolean; replaced: number | undefined },
): string[] {
  if (duplicate) return [`item ${id} was there already: nothing new was stored`];
  if (replaced !== undefined) return [`item ${replaced} is discarded in favour of item ${id}`];
  return ifQueued === 'replace' ? [`item ${id} is new: there was none that could be replaced`] : [];
}

/** `Name: value`, split at the first colon. */
function headerOf(text: string): [string, string] {
  const colon = text.indexOf(':');
  if (colon < 1) refuseUsage('a header has no name', "Write -H 'Name: value'.");
  return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
}
