/** Stores one write or many durably and prints their ids; never uses the network. */
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { enqueueBulk } from '../cli/items/enqueue-bulk.js';
import type { Answer, EnqueueFlags } from '../cli/items/enqueue.js';
import { enqueueOne } from '../cli/items/enqueue.js';
import type { BeforeMaking, CliQueue } from '../cli/queue/open-queue.js';
import { refuseUsage } from '../cli/program/usage.js';
import type { JsonObject } from '../render/json.js';

const ONE = { helpGroup: 'ITEM' } as const;
const BULK = { helpGroup: 'BULK' } as const;

export default class Enqueue extends BaseCommand {
  static override summary = 'store a write; it is delivered when the server can be reached';
  static override description =
    'Prints the id once the write is safe on disk, and nothing else on stdout. The same --key with the same content prints the id of the existing item.';
  static override usage = [
    'enqueue METHOD PATH|URL [-d JSON|@file|-] [FLAGS]',
    'enqueue --from FILE|- [--partial] [--stream]',
  ];
  static override examples = [
    '<%= config.bin %> enqueue PATCH /activities/42 --entity activity/42 --data \'{"status":"done"}\'',
    '<%= config.bin %> enqueue POST /photos --entity activity/42 --data @photo.jpg --content-type image/jpeg --key photo-42-1',
    '<%= config.bin %> enqueue POST https://api.example.org/v1/notes --data - < note.json',
    '<%= config.bin %> enqueue --from items.ndjson --json',
  ];
  static override args = {
    method: Args.string({ description: 'POST, PUT, PATCH, DELETE or another', ignoreStdin: true }),
    path: Args.string({ description: 'path below the base URL of the target, or an absolute URL', ignoreStdin: true }),
  };
  static override flags = {
    data: Flags.string({
      ...ONE,
      char: 'd',
      description: 'the payload: JSON as it is, @file, or - for stdin',
      helpValue: 'JSON|@file|-',
    }),
    'content-type': Flags.string({
      ...ONE,
      description: 'content type of the payload [default: application/json]',
      helpValue: 'MIME',
    }),
    entity: Flags.string({
      ...ONE,
      description: 'what the write is about: writes about one entity keep their order',
      helpValue: 'TYPE/ID',
    }),
    operation: Flags.string({
      ...ONE,
      description: 'name of the operation [default: from the method]',
      helpValue: 'NAME',
    }),
    target: Flags.string({ ...ONE, description: 'the server it goes to', helpValue: 'NAME' }),
    header: Flags.string({
      ...ONE,
      char: 'H',
      description: 'a request header; no secrets',
      helpValue: "'K: V'",
      multiple: true,
      multipleNonGreedy: true,
    }),
    key: Flags.string({ ...ONE, description: 'the idempotency key [default: a new one]', helpValue: 'KEY' }),
    delay: Flags.string({ ...ONE, description: 'send after this time', helpValue: 'DUR', exclusive: ['at'] }),
    at: Flags.string({ ...ONE, description: 'send at this time', helpValue: 'TIME' }),
    expires: Flags.string({
      ...ONE,
      description: 'if it is not delivered by then, it goes to review',
      helpValue: 'DUR',
    }),
    'max-retries': Flags.integer({
      ...ONE,
      description: 'counted failures before it goes to review',
      helpValue: 'N',
      min: 0,
    }),
    tag: Flags.string({
      ...ONE,
      description: 'a label to find it by',
      helpValue: 'TAG',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'if-queued': Flags.string({
      ...ONE,
      description: 'what to do when an item of the same entity and operation still waits',
      options: ['append', 'keep', 'replace'],
      dependsOn: ['entity'],
    }),
    from: Flags.string({ ...BULK, description: 'one JSON object per line, all or nothing', helpValue: 'FILE|-' }),
    partial: Flags.boolean({ ...BULK, description: 'store the good lines and report the bad', dependsOn: ['from'] }),
    stream: Flags.boolean({ ...BULK, description: 'commit as lines arrive', dependsOn: ['from'] }),
  };

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(Enqueue);
    const answer = flags.from === undefined ? await this.one(args, flags) : await this.bulk(flags.from, args, flags);
    await this.print(...answer.lines);
    await this.say(...answer.talk);
    this.endWith(answer.code);
    return answer.document;
  }

  private async one({ method, path }: Words, flags: Omit<EnqueueFlags, 'method' | 'path'>): Promise<Answer> {
    if (method === undefined || path === undefined) {
      refuseUsage('METHOD and PATH are missing', `For example: syncq enqueue POST /notes -d '{"a":1}'`);
    }
    return enqueueOne({ ...flags, method, path }, (before) => this.openToAdd(before), process.stdin);
  }

  private async bulk(from: string, { method }: Words, flags: { partial: boolean; stream: boolean }): Promise<Answer> {
    const single = Object.keys(flags).find(
      (name) => (Enqueue.flags as Record<string, { helpGroup?: string }>)[name]?.helpGroup === ONE.helpGroup,
    );
    if (method !== undefined || single !== undefined) {
      const what = single === undefined ? 'METHOD' : `--${single}`;
      refuseUsage(`${what} is given beside --from`, 'With --from, each line says it for its own item.');
    }
    const progress = await this.progress('storing');
    const answer = await enqueueBulk({ ...flags, from }, (before) => this.openToAdd(before), process.stdin, progress);
    progress.stop();
    return answer;
  }

  private async openToAdd(before: BeforeMaking): Promise<CliQueue> {
    const opened = await this.open('create', before);
    const { copyOf } = await opened.queue.archive.identity();
    if (copyOf !== undefined)
      await this.say(`warning: this queue is a copy of ${copyOf}; nothing is sent from it until: syncq doctor --adopt`);
    return opened;
  }
}

interface Words {
  method?: string | undefined;
  path?: string | undefined;
}
