/** Renames a target in the config and in the queue. */
import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/queue/base-command.js';
import { renameTarget } from '../../cli/targets/rename.js';
import type { JsonObject } from '../../render/json.js';

export default class TargetRename extends BaseCommand {
  static override summary = 'give a server another name';
  static override description = 'Renames it in the config and in the queue. Its items keep their places.';
  static override examples = ['<%= config.bin %> target rename production live'];
  static override args = {
    from: Args.string({ description: 'present name', required: true, ignoreStdin: true }),
    to: Args.string({ description: 'new name', required: true, ignoreStdin: true }),
  };

  override async run(): Promise<JsonObject> {
    const { args } = await this.parse(TargetRename);
    const { queue, config } = await this.open('write');
    const done = await renameTarget({ queue, config, from: args.from, to: args.to, by: this.by() });
    await this.print(`${args.from} is now called ${args.to} (${done.join(' and ')})`);
    return { from: args.from, to: args.to, renamedIn: done };
  }
}
