/** Imports the items of a bundle or of another program's queue table. */
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { becauseFlag } from '../cli/items/because-flag.js';
import { EXIT } from '../cli/program/exit-codes.js';
import { importItems } from '../cli/move/import.js';
import { hearSignals } from '../cli/program/signals.js';
import { refuseUsage } from '../cli/program/usage.js';
import type { JsonObject } from '../render/json.js';

export default class Import extends BaseCommand {
  static override summary = 'import items from a bundle or from an app’s own queue table';
  static override description =
    'Keeps keys, order, attempts and history. All or nothing, and importing twice stores nothing twice. The whole file is checked first. A redacted bundle always pauses its targets. An app’s file is never changed.';
  static override examples = [
    '<%= config.bin %> import queue.bundle --as-paused',
    '<%= config.bin %> import --sqlite app.db --table sync_queue',
    '<%= config.bin %> import --sqlite app.db --table outbox --map my-mapping.json',
  ];
  static override args = { file: Args.string({ description: 'a bundle, made by export', ignoreStdin: true }) };
  static override flags = {
    'as-paused': Flags.boolean({ description: 'pause the targets of the items in the same commit' }),
    sqlite: Flags.string({ description: 'an app’s SQLite file, instead of a bundle', helpValue: 'FILE' }),
    table: Flags.string({
      description: 'its queue table [default: the one of the mapping]',
      helpValue: 'NAME',
      dependsOn: ['sqlite'],
    }),
    map: Flags.string({
      description: 'how to read the table: a mapping file, or a built-in one [default: mobile-sync-queue]',
      helpValue: 'FILE',
      dependsOn: ['sqlite'],
    }),
    ...becauseFlag,
  };

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(Import);
    const { sqlite, table, map = 'mobile-sync-queue', 'as-paused': asPaused } = flags;
    if ((args.file === undefined) === (sqlite === undefined)) {
      refuseUsage(
        args.file === undefined ? 'nothing is named to import' : 'a bundle and an app’s file are given together',
        'Give a bundle, or --sqlite FILE.',
      );
    }
    const opened = await this.open('create');
    const progress = await this.progress('importing');
    const answer = await importItems(
      opened,
      { file: args.file, sqlite, table, map, asPaused },
      {
        by: this.by(flags.because),
        now: this.now,
        onProgress: async (done, total) => {
          progress.update(done, total);
          await hearSignals();
        },
      },
    );
    progress.stop();
    await this.printAdvice(...answer.lines);
    await this.say(...answer.talk);
    if (answer.document['count'] === 0) this.endWith(EXIT.nothingMatched);
    return answer.document;
  }
}
