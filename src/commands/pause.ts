/** Pauses a target, an entity or everything, until `resume` or for a time; works while a runner is active. */
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { becauseFlag } from '../cli/items/because-flag.js';
import { durationFlag } from '../cli/items/duration-flag.js';
import { pauseAnswer, pauseScope } from '../cli/items/pause-resume.js';
import type { JsonObject } from '../render/json.js';

export default class Pause extends BaseCommand {
  static override summary = 'stop sending to a target, or for one entity';
  static override description = 'Works while a runner is active. Requests in flight end, and enqueueing goes on.';
  static override examples = [
    '<%= config.bin %> pause production --because "release until 14:00" --for 2h',
    '<%= config.bin %> pause --entity activity/42',
    '<%= config.bin %> pause --all',
  ];
  static override args = { target: Args.string({ description: 'name of the target', ignoreStdin: true }) };
  static override flags = {
    entity: Flags.string({ description: 'instead of a target: one entity', helpValue: 'TYPE/ID' }),
    all: Flags.boolean({ description: 'all targets' }),
    ...becauseFlag,
    for: Flags.string({ description: 'end after this time', helpValue: 'DUR' }),
  };

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(Pause);
    const what = pauseScope(args.target, flags.entity, flags.all);
    const forMs = durationFlag('for', flags.for);
    const queue = await this.openQueue('write');
    const until = forMs === undefined ? undefined : this.now + forMs;
    const report = await queue.desk.pause(what, this.by(flags.because), { until });
    const answer = pauseAnswer('paused', report, until, this.view);
    await this.printAdvice(...answer.lines);
    return answer.document;
  }
}
