/** Marks items as completed that a person found on the server. */
import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { requiredBecauseFlag } from '../cli/items/because-flag.js';
import { chosenItems, confirmFlags, itemArgs } from '../cli/items/choose-items.js';
import { endItems } from '../cli/items/discard-complete.js';
import { EXIT } from '../cli/program/exit-codes.js';
import { filterFlags } from '../cli/items/filters.js';
import type { JsonObject } from '../render/json.js';

export default class Complete extends BaseCommand {
  static override summary = 'mark items as completed because the server already has them';
  static override description =
    'Look at the server first: this is final. Nothing is sent, and the next item of its lane (the later writes about the same entity) goes on. Filters mean review items unless --state or --behind is given. Asks on a terminal; elsewhere --yes is required.';
  static override examples = [
    '<%= config.bin %> complete 1041 --because "found it in the CRM as 88-17" --yes',
    '<%= config.bin %> complete --reason unknown --entity activity/42 --because "checked with Kari" --dry-run',
  ];
  static override args = itemArgs;
  static override flags = {
    ...filterFlags,
    all: Flags.boolean({ description: 'all items in review' }),
    ...confirmFlags,
    ...requiredBecauseFlag,
  };

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(Complete);
    const filter = await chosenItems(args.id ?? [], flags, this.now);
    const queue = await this.openQueue(flags['dry-run'] ? 'read' : 'write');
    const ended = await endItems(queue, filter, {
      kind: 'complete',
      by: this.by(flags.because),
      yes: flags.yes,
      dryRun: flags['dry-run'],
      json: this.jsonEnabled(),
    });
    await this.printAdvice(...ended.lines);
    if (ended.nothing) this.endWith(EXIT.nothingMatched);
    return ended.document;
  }
}
