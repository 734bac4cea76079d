/** Copies the queue to another file while others use it. */
import { Args } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { backUp } from '../cli/care/backup.js';
import { findFile } from '../cli/care/file-place.js';
import type { JsonObject } from '../render/json.js';

export default class Backup extends BaseCommand {
  static override summary = 'copy the queue to a file, also while a runner works';
  static override description =
    'Writes one consistent state of the queue, and checks it before the file gets its name. Every command can read the copy; run and watch refuse it until doctor --adopt. Do not copy the file in any other way: the newest writes are in its -wal file.';
  static override examples = ['<%= config.bin %> backup /var/backups/syncq-2026-11-23.db'];
  static override args = {
    file: Args.string({ description: 'the file to create; it must not exist', required: true, ignoreStdin: true }),
  };

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(Backup);
    const place = findFile(flags.queue, this.configLookup(), this.config.dataDir);
    const { lines, talk, document } = backUp(place, args.file);
    await this.print(...lines);
    await this.say(...talk);
    return document;
  }
}
