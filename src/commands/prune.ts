/** Removes finished items or their payloads by the retention rules. */
import { BaseCommand } from '../cli/queue/base-command.js';
import { becauseFlag } from '../cli/items/because-flag.js';
import { confirmFlags } from '../cli/items/choose-items.js';
import { EXIT } from '../cli/program/exit-codes.js';
import { pruneQueue } from '../cli/items/prune.js';
import type { Progress } from '../cli/program/progress.js';
import { hearSignals } from '../cli/program/signals.js';
import type { JsonObject } from '../render/json.js';

export default class Prune extends BaseCommand {
  static override summary = 'remove finished items now, by the retention rules';
  static override description =
    'The rules are in "retention" of the config: "completed" for whole items, "payloads" for what they sent. run and watch apply them at most once an hour. Pending and review items are never removed. The key of a removed item still answers for a year.';
  static override examples = ['<%= config.bin %> prune --dry-run', '<%= config.bin %> prune --yes'];
  static override flags = { ...confirmFlags, ...becauseFlag };

  override async run(): Promise<JsonObject> {
    const { flags } = await this.parse(Prune);
    const { queue, config } = await this.open(flags['dry-run'] ? 'read' : 'write');
    let progress: Progress | undefined;
    const pruned = await pruneQueue(queue, config.retention, {
      by: this.by(flags.because),
      yes: flags.yes,
      dryRun: flags['dry-run'],
      json: this.jsonEnabled(),
      onProgress: async (done, total) => {
        // Not before the question is answered.
        progress ??= await this.progress('pruning');
        progress.update(done, total);
        await hearSignals();
      },
    });
    progress?.stop();
    await this.printAdvice(...pruned.lines);
    if (pruned.nothing) this.endWith(EXIT.nothingMatched);
    return pruned.document;
  }
}
