/** Lists the targets of the config and those that only the queue knows. */
import { BaseCommand } from '../../cli/queue/base-command.js';
import { listTargets } from '../../cli/targets/list.js';
import type { JsonObject } from '../../render/json.js';
import { targetDocument, targetTable } from '../../render/target.js';

export default class TargetList extends BaseCommand {
  static override summary = 'list the servers';
  static override examples = ['<%= config.bin %> target list', '<%= config.bin %> target list --json'];

  override async run(): Promise<JsonObject> {
    await this.parse(TargetList);
    const { queue, config } = await this.open('read');
    const summaries = await queue.targetSummaries();
    const implicit = new Map(summaries.map(({ row }) => [row.name, row.implicitBaseUrl]));
    const targets = listTargets(config, await queue.status(), implicit);
    await this.print(...(await targetTable(targets, await this.look())));
    if (targets.length === 0) await this.say('no targets yet: syncq target add NAME URL');
    return { targets: targets.map(targetDocument) };
  }
}
