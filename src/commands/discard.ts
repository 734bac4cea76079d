/** Discards items, which are then never sent. */
import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { becauseFlag } from '../cli/items/because-flag.js';
import { chosenItems, confirmFlags, itemArgs } from '../cli/items/choose-items.js';
import { endItems } from '../cli/items/discard-complete.js';
import { EXIT } from '../cli/program/exit-codes.js';
import { filterFlags } from '../cli/items/filters.js';
import type { JsonObject } from '../render/json.js';

export default class Discard extends BaseCommand {
  static override summary = 'give up items: they are not sent any more';
  static override description =
    'This is final: a discarded item is never sent. The next item of its lane (the later writes about the same entity) goes on. Filters mean review items unless --state or --behind is given. Asks on a terminal; elsewhere --yes is required.';
  static override examples = [
    '<%= config.bin %> discard 1041 --because "entered twice" --yes',
    '<%= config.bin %> discard --behind 1041 --because "the case is closed" --yes',
    '<%= config.bin %> discard --all --dry-run',
    '<%= config.bin %> discard --like 1041 --yes',
    '<%= config.bin %> inspect --json --search "phone" | jq ".items[].id" | <%= config.bin %> discard - --yes',
  ];
  static override args = itemArgs;
  static override flags = {
    ...filterFlags,
    all: Flags.boolean({ description: 'all items in review' }),
    ...confirmFlags,
    ...becauseFlag,
  };

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(Discard);
    const filter = await chosenItems(args.id ?? [], flags, this.now);
    const queue = await this.openQueue(flags['dry-run'] ? 'read' : 'write');
    const ended = await endItems(queue, filter, {
      kind: 'discard',
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
