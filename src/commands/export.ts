/** Exports items as lines, a bundle or curl commands, with personal data replaced on request. */
import path from 'node:path';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import type { CliQueue } from '../cli/queue/open-queue.js';
import { isQueueError } from '../core/index.js';
import { EXIT } from '../cli/program/exit-codes.js';
import { exportItems } from '../cli/move/export.js';
import { filterFlags, filterOf, hasFilter } from '../cli/items/filters.js';
import { readIds } from '../cli/items/ids.js';
import { hearSignals } from '../cli/program/signals.js';
import { refuseUsage } from '../cli/program/usage.js';
import type { JsonObject } from '../render/json.js';

/** Ids that the history keeps of an export. */
const MOST_NAMED = 100;
const FORMATS = ['ndjson', 'bundle', 'curl'] as const;

export default class Export extends BaseCommand {
  static override summary = 'export items as lines, as a bundle for another machine, or as curl commands';
  static override description =
    'Exports all items unless ids or filters are given. Without --format, a file gets a bundle and stdout gets ndjson. syncq import reads a bundle, syncq enqueue --from reads ndjson. On a terminal sensitive values are masked. The history records who exported items unmasked.';
  static override examples = [
    '<%= config.bin %> export --output queue.bundle',
    '<%= config.bin %> export --redact --state review --since 2d --output for-the-developers.bundle',
    '<%= config.bin %> export --state pending | jq -r .path',
    '<%= config.bin %> export --format curl 1041',
  ];
  static override args = {
    id: Args.string({ description: 'ids of items, or - for ids on stdin', multiple: true, ignoreStdin: true }),
  };
  static override flags = {
    ...filterFlags,
    all: Flags.boolean({ description: 'all items (the default)' }),
    format: Flags.option({ description: 'what to write', options: FORMATS })(),
    output: Flags.string({
      char: 'o',
      description: 'the file to make, whole or not at all, mode 0600; it must not exist',
      helpValue: 'FILE',
    }),
    redact: Flags.boolean({ description: 'replace sensitive values by stand-ins of the same shape' }),
    reveal: Flags.boolean({ description: 'on a terminal, show sensitive values too; this is recorded' }),
    'redact-key': Flags.string({
      description:
        'environment variable with the key of the stand-ins; the same key gives the same stand-ins [default: a new key]',
      helpValue: 'NAME',
      dependsOn: ['redact'],
    }),
  };

  #unrecorded: string | undefined;

  /** A queue that cannot be written can be taken all the same. */
  async #openToRecord(): Promise<CliQueue> {
    try {
      return await this.open('write');
    } catch (error) {
      if (!isQueueError(error)) throw error;
      this.#unrecorded = error.message;
      return this.open('read');
    }
  }

  async #record({ queue }: CliQueue, detail: Record<string, unknown>): Promise<void> {
    try {
      if (this.#unrecorded === undefined)
        await queue.record({ item: undefined, target: undefined, ...this.by(), event: 'exported', detail });
    } catch (error) {
      if (!isQueueError(error)) throw error;
      this.#unrecorded = error.message;
    }
    if (this.#unrecorded !== undefined) await this.say(`this export is not in the history: ${this.#unrecorded}`);
  }

  override async run(): Promise<JsonObject | undefined> {
    const { args, flags } = await this.parse(Export);
    const words = args.id ?? [];
    if (words.length > 0 && (flags.all || hasFilter(flags)))
      refuseUsage('ids and filters are given together', 'Ids name items; filters choose them.');
    if (this.jsonEnabled() && flags.output === undefined)
      refuseUsage(
        '--json tells about a file, and none is named',
        'Name one with --output FILE; ndjson is JSON already.',
      );
    const filter = words.length > 0 ? { ids: await readIds(words, process.stdin) } : filterOf(flags, this.now);
    const { format, output, redact, 'redact-key': redactKey } = flags;
    const masks = output === undefined && !redact && !flags.reveal && process.stdout.isTTY;
    const opened = masks || redact ? await this.open('read') : await this.#openToRecord();
    const progress = await this.progress('exporting');
    const answer = await exportItems(
      opened,
      filter,
      { format, output, redact, redactKey, masks },
      {
        now: this.now,
        onTaken: async (items, as) => {
          const to = output === undefined ? (process.stdout.isTTY ? 'a terminal' : 'a pipe') : path.resolve(output);
          const ids = words.length > 0 && words.length <= MOST_NAMED ? filter.ids : undefined;
          if (!masks && !redact && items > 0) await this.#record(opened, { items, format: as, to, ids });
        },
        onProgress: async (done, total) => {
          progress.update(done, total);
          await hearSignals();
        },
      },
    );
    progress.stop();
    await this.say(...answer.talk);
    if (answer.count === 0) this.endWith(EXIT.nothingMatched);
    return this.jsonEnabled() ? answer.document : undefined;
  }
}
