/** Marks items as completed that a person found on the server. */
import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { chosenItems, confirmFlags, itemArgs } from '../cli/items/choose-items.js';
import { endItems } from '../cli/items/discard-complete.js';
import { EXIT } from '../cli/program/exit-codes.js';
import { filterFlags } from '../cli/items/filters.js';
import { writtenReason } from '../cli/items/written-reason.js';
import type { JsonObject } from '../render/json.js';

const { reason: byReason, ...otherFilters } = filterFlags;

export default class Complete extends BaseCommand {
  static override summary = 'mark items as completed because the server already has them';
  static override description =
    'final, and by your word: look at the server first; nothing is sent, the next of its lane goes on; filters mean review unless --state says otherwise; asks on a terminal, needs --yes elsewhere';
  static override examples = [
    '<%= config.bin %> complete 1041 --reason "found it in the CRM as 88-17"',
    '<%= config.bin %> complete --review-reason unknown --entity activity/42 --reason "checked with Kari" --dry-run',
  ];
  static override args = itemArgs;
  static override flags = {
    ...otherFilters,
    'review-reason': byReason,
    all: Flags.boolean({ description: 'all items in review' }),
    ...confirmFlags,
    reason: Flags.string({ description: 'how you know, for the history', helpValue: 'TEXT', required: true }),
  };

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(Complete);
    const reason = writtenReason(flags.reason, '--review-reason');
    const filter = await chosenItems(args.id ?? [], { ...flags, reason: flags['review-reason'] }, this.now);
    const queue = await this.openQueue(flags['dry-run'] ? 'read' : 'write');
    const ended = await endItems(queue, filter, {
      kind: 'complete',
      by: this.by(reason),
      yes: flags.yes,
      dryRun: flags['dry-run'],
      json: this.jsonEnabled(),
    });
    await this.print(...ended.lines);
    if (ended.nothing) this.endWith(EXIT.nothingMatched);
    return ended.document;
  }
}
