/** Returns review items to the queue, or makes waiting items due now. Sends nothing itself. */
import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { becauseFlag } from '../cli/items/because-flag.js';
import { chosenItems, itemArgs } from '../cli/items/choose-items.js';
import { durationFlag } from '../cli/items/duration-flag.js';
import { EXIT } from '../cli/program/exit-codes.js';
import { filterFlags } from '../cli/items/filters.js';
import { retryAnswer } from '../cli/items/retry.js';
import type { JsonObject } from '../render/json.js';

export default class Retry extends BaseCommand {
  static override summary = 'resend items that need attention, or wait for their next try';
  static override description =
    'A review item becomes pending with a fresh retry budget; a waiting item is due now. The id, the place and the idempotency key stay. It sends nothing itself, and its last line says who will. Filters mean review items unless --state or --behind is given.';
  static override examples = [
    '<%= config.bin %> retry 1041',
    '<%= config.bin %> retry --all --dry-run',
    '<%= config.bin %> retry --reason rejected --status 422 --target production',
    '<%= config.bin %> inspect --json --search "phone" | jq ".items[].id" | <%= config.bin %> retry -',
  ];
  static override args = itemArgs;
  static override flags = {
    ...filterFlags,
    all: Flags.boolean({ description: 'all items in review' }),
    expires: Flags.string({ description: 'a new deadline, from now', helpValue: 'DUR' }),
    'dry-run': Flags.boolean({ description: 'count by cause, change nothing' }),
    ...becauseFlag,
  };

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(Retry);
    const expiresMs = durationFlag('expires', flags.expires);
    const filter = await chosenItems(args.id ?? [], flags, this.now);
    const queue = await this.openQueue(flags['dry-run'] ? 'read' : 'write');
    const dryRun = flags['dry-run'];
    const report = await queue.retry(filter, this.by(flags.because), {
      dryRun,
      ...(expiresMs === undefined ? {} : { expires: { delayMs: expiresMs } }),
    });
    const answer = retryAnswer(report, dryRun ? undefined : await queue.next(report.targets), this.view);
    await this.printAdvice(...answer.lines);
    if (report.changed.length === 0) this.endWith(EXIT.nothingMatched);
    return answer.document;
  }
}
