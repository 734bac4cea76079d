/** Copies the queue to another file while others use it. */
import path from 'node:path';
import { Args } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { findFile } from '../cli/care/file-place.js';
import { refuseNotFound } from '../cli/program/usage.js';
import { backupQueue } from '../core/index.js';
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
    if (!place.exists)
      refuseNotFound(`there is no queue yet at ${place.path}; nothing was copied`, 'The first syncq enqueue makes it.');
    const { file, bytes, items, unfinished } = backupQueue(place, path.resolve(args.file));
    await this.print(file);
    await this.say(
      `${items} items, ${unfinished} of them unfinished; run and watch refuse this copy until: syncq doctor --queue ${file} --adopt`,
    );
    return { file, bytes, items, unfinished, copyOf: place.path };
  }
}
