/** Tests whether a target answers and accepts its credential, without sending an item. */
import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/queue/base-command.js';
import { EXIT } from '../../cli/program/exit-codes.js';
import { knownTarget, probeTarget, doubtfulRules } from '../../cli/targets/test.js';
import type { JsonObject } from '../../render/json.js';
import { probeDocument, probeLine } from '../../render/target.js';

export default class TargetTest extends BaseCommand {
  static override summary = 'check whether a server answers and accepts the credential';
  static override description =
    'Requests the probe path, or the base URL with HEAD, with the credential. Sends no item and changes nothing. Exit code 0: it answers, 4: it cannot be reached, 3: its settings must be fixed or it refuses the credential.';
  static override examples = [
    '<%= config.bin %> target test production',
    '<%= config.bin %> target test production --json',
  ];
  static override args = {
    name: Args.string({ description: 'name of the target', required: true, ignoreStdin: true }),
  };

  override async run(): Promise<JsonObject> {
    const { args } = await this.parse(TargetTest);
    const { queue, config } = await this.open('read');
    const row = (await queue.targetSummaries()).find((summary) => summary.row.name === args.name)?.row;
    const target = knownTarget(config, args.name, row?.implicitBaseUrl);
    const progress = await this.progress(`trying ${args.name}`);
    const probe = await probeTarget(target, config, new AbortController().signal);
    progress.stop();
    const notes = doubtfulRules(target);
    await this.printAdvice(probeLine(args.name, probe), ...notes);
    if (probe.kind !== 'reachable') this.endWith(probe.kind === 'unreachable' ? EXIT.tryLater : EXIT.needsPerson);
    return probeDocument(args.name, probe, notes);
  }
}
