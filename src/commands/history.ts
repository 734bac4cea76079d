/** Shows the history of one item or of the whole queue. */
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { tellHistory } from '../cli/items/history.js';
import type { JsonObject } from '../render/json.js';

export default class History extends BaseCommand {
  static override summary = 'show what happened to an item and who changed it';
  static override description =
    'With an id: everything about the item since it was stored, attempts included, oldest first. Without an id: what people did, and other changes that are not attempts.';
  static override examples = [
    '<%= config.bin %> history 1041',
    '<%= config.bin %> history --since yesterday',
    '<%= config.bin %> history --since 7d --json',
  ];
  static override args = { id: Args.string({ description: 'id of an item', ignoreStdin: true }) };
  static override flags = {
    since: Flags.string({
      description: 'only entries at this time or later, or within this time',
      helpValue: 'TIME|DUR',
    }),
    limit: Flags.integer({
      description: 'most entries, the latest ones [default: 200]',
      helpValue: 'N',
      min: 1,
    }),
  };

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(History);
    const told = await tellHistory(await this.openQueue('read'), {
      id: args.id,
      since: flags.since,
      limit: flags.limit,
      look: await this.look(),
    });
    await this.print(...told.lines);
    await this.say(...told.talk);
    return told.document;
  }
}
