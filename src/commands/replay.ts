/** Sends copies of items to another target and compares the answers; the queue is only read. */
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { filterFlags, filterOf, hasFilter } from '../cli/items/filters.js';
import { readIds } from '../cli/items/ids.js';
import { dryReplay, replayExitCode, replayItems } from '../cli/move/replay.js';
import { keepHeapSmall } from '../cli/program/heap.js';
import { catchSignals } from '../cli/program/signals.js';
import { itemWords, refuseUsage } from '../cli/program/usage.js';
import type { JsonObject } from '../render/json.js';
import { replayLines } from '../render/replay.js';

const several = { multiple: true, multipleNonGreedy: true } as const;

export default class Replay extends BaseCommand {
  static override summary = 'send copies of items to another target and compare the answers';
  static override description =
    'Sends items in any state in the order of their lanes, with their own keys. The queue does not change. Items that were replayed are skipped, so the same command continues after Ctrl-C. Exit code 0: every answer has the status class of the original, 3: something differs.';
  static override examples = [
    '<%= config.bin %> replay --to staging --all --report replay.html',
    '<%= config.bin %> replay --to staging --state review --since 2d --dry-run',
    '<%= config.bin %> replay --to http://127.0.0.1:8080 --all --rate 20/s --map-path /v1=/api/v2',
  ];
  static override args = {
    id: Args.string({ description: 'ids of items, or - for ids on stdin', multiple: true, ignoreStdin: true }),
  };
  static override flags = {
    ...filterFlags,
    to: Flags.string({
      description: 'a target of the config, or a URL, which gets no credential',
      helpValue: 'TARGET|URL',
      required: true,
    }),
    all: Flags.boolean({ description: 'all items' }),
    concurrency: Flags.integer({
      description: 'requests in flight, one per lane',
      helpValue: 'N',
      min: 1,
      max: 64,
      default: 1,
    }),
    rate: Flags.string({ description: 'most requests started per time', helpValue: 'N/s' }),
    'set-header': Flags.string({ ...several, description: 'a header for every copy', helpValue: "'K: V'" }),
    'map-path': Flags.string({ ...several, description: 'replace a prefix of paths', helpValue: 'FROM=TO' }),
    ignore: Flags.string({
      ...several,
      description: 'a member or JSON Pointer of answers that may differ',
      helpValue: 'NAME|/PATH',
    }),
    exact: Flags.boolean({ description: 'compare also the usual ids and times' }),
    again: Flags.boolean({ description: 'start again with new keys, skipping nothing' }),
    'dry-run': Flags.boolean({ description: 'list the requests, send nothing' }),
    report: Flags.string({ description: 'write the whole comparison', helpValue: 'FILE.html|.json' }),
    'allow-production': Flags.boolean({ description: 'also to the server that has the originals' }),
  };

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(Replay);
    const words = args.id ?? [];
    if ([words.length > 0, flags.all, hasFilter(flags)].filter(Boolean).length !== 1) {
      refuseUsage('nothing says which items, or it is said twice', 'Give ids, - for ids on stdin, filters, or --all.');
    }
    const filter = words.length > 0 ? { ids: await readIds(words, process.stdin) } : filterOf(flags, this.now);
    const opened = await this.open('read');
    const context = { filter, dataDir: this.config.dataDir, now: this.now };
    if (flags['dry-run']) {
      const plan = await dryReplay(opened, flags, context, await this.look());
      await this.print(...plan.lines);
      await this.say(...plan.talk);
      return plan.document;
    }
    await keepHeapSmall();
    const stopping = catchSignals({
      onSignal: (_signal, count) =>
        void this.say(
          count === 1 ? 'stopping: requests in flight may end (10 s); once more cuts them off' : 'cutting off',
        ),
    });
    const progress = await this.progress('replaying');
    try {
      const { report, document } = await replayItems(opened, flags, {
        ...context,
        stop: stopping.stop,
        abort: stopping.abort,
        onProgress: (done, total) => progress.update(done, total),
      });
      progress.stop();
      await this.print(...(await replayLines(report, await this.look())));
      await this.say(
        ...(report.message === undefined ? [] : [report.message]),
        ...(report.missing.length === 0 ? [] : [`there is no ${itemWords(report.missing)}`]),
        `what was sent is kept in ${report.ledger}: the same command goes on from there, --again starts anew`,
      );
      this.endWith(replayExitCode(report, stopping.received()));
      return document;
    } finally {
      stopping.dispose();
    }
  }
}
