/** Accepts a changed base URL: unfinished items go to the new one. */
import { Args } from '@oclif/core';
import { becauseFlag } from '../../cli/items/because-flag.js';
import { BaseCommand } from '../../cli/queue/base-command.js';
import { nextLine } from '../../cli/items/retry.js';
import type { JsonObject } from '../../render/json.js';

export default class TargetAccept extends BaseCommand {
  static override summary = 'accept the changed base URL of a server';
  static override description =
    'After a base URL was changed, items that were already tried at the old one are held. This says that the new one is right, so nothing goes to another server by mistake.';
  static override examples = ['<%= config.bin %> target accept production --because "moved to the new host"'];
  static override args = {
    name: Args.string({ description: 'name of the target', required: true, ignoreStdin: true }),
  };
  static override flags = becauseFlag;

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(TargetAccept);
    const queue = await this.openQueue('write');
    const { names } = await queue.desk.acceptTarget(args.name, this.by(flags.because));
    const next = await queue.next(names);
    await this.printAdvice(`${args.name} is accepted with its base URL as it is now`, nextLine(next, this.view));
    return { accepted: [...names], next: next.kind };
  }
}
