/** Exports items as lines, a bundle or curl commands, with personal data replaced on request. */
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { EXIT } from '../cli/program/exit-codes.js';
import { exportItems } from '../cli/move/export.js';
import { filterFlags, filterOf, hasFilter } from '../cli/items/filters.js';
import { readIds } from '../cli/items/ids.js';
import { hearSignals } from '../cli/program/signals.js';
import { refuseUsage } from '../cli/program/usage.js';
import type { JsonObject } from '../render/json.js';

const FORMATS = ['ndjson', 'bundle', 'curl'] as const;

export default class Export extends BaseCommand {
  static override summary = 'export items as lines, as a bundle for another machine, or as curl commands';
  static override description =
    'Exports all items unless ids or filters are given. Without --format, a file gets a bundle and stdout gets ndjson. syncq import reads a bundle, syncq enqueue --from reads ndjson. The queue is only read.';
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
    'redact-key': Flags.string({
      description:
        'environment variable with the key of the stand-ins; the same key gives the same stand-ins [default: a new key]',
      helpValue: 'NAME',
      dependsOn: ['redact'],
    }),
  };

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
    const opened = await this.open('read');
    const progress = await this.progress('exporting');
    const { format, output, redact, 'redact-key': redactKey } = flags;
    const answer = await exportItems(
      opened,
      filter,
      { format, output, redact, redactKey },
      {
        now: this.now,
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
