/** Removes a target from the config. */
import { Args } from '@oclif/core';
import { becauseFlag } from '../../cli/items/because-flag.js';
import { BaseCommand } from '../../cli/queue/base-command.js';
import { removeTarget } from '../../cli/targets/change.js';
import type { JsonObject } from '../../render/json.js';

export default class TargetRemove extends BaseCommand {
  static override summary = 'remove a server from the config';
  static override description =
    'It is refused while unfinished items name the target. Finished items and the history stay in the queue.';
  static override examples = [
    '<%= config.bin %> target remove staging',
    '<%= config.bin %> target remove staging --because closed',
  ];
  static override args = {
    name: Args.string({ description: 'name of the target', required: true, ignoreStdin: true }),
  };
  static override flags = becauseFlag;

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(TargetRemove);
    const opened = await this.open('create', async () => Promise.resolve(false));
    const edit = await removeTarget(opened, this.configLookup(), args.name, this.by(flags.because));
    await this.print(`${args.name} is removed from ${edit.path}`);
    return { name: args.name, config: edit.path, defaultTarget: edit.defaultTarget ?? null };
  }
}
