/** Ends a pause, or an automatic hold whose cause is fixed. */
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { becauseFlag } from '../cli/items/because-flag.js';
import { pauseAnswer, pauseScope } from '../cli/items/pause-resume.js';
import { EXIT } from '../cli/program/exit-codes.js';
import { nextLine } from '../cli/items/retry.js';
import type { JsonObject } from '../render/json.js';

export default class Resume extends BaseCommand {
  static override summary = 'end a pause or a hold, so that items are sent again';
  static override description =
    'Ends a pause. Also ends an automatic hold of a target, so that it is tried at once. Exit code 5: nothing was paused or held.';
  static override examples = [
    '<%= config.bin %> resume production',
    '<%= config.bin %> resume --entity activity/42',
    '<%= config.bin %> resume --all',
  ];
  static override args = { target: Args.string({ description: 'name of the target', ignoreStdin: true }) };
  static override flags = {
    entity: Flags.string({ description: 'instead of a target: one entity', helpValue: 'TYPE/ID' }),
    all: Flags.boolean({ description: 'all targets and entities' }),
    ...becauseFlag,
  };

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(Resume);
    const what = pauseScope(args.target, flags.entity, flags.all);
    const queue = await this.openQueue('write');
    const report = await queue.desk.resume(what, this.by(flags.because));
    const answer = pauseAnswer('resumed', report, undefined, this.view);
    const next = await queue.next(report.targets);
    await this.printAdvice(...answer.lines, ...(report.names.length === 0 ? [] : [nextLine(next, this.view)]));
    if (report.stillHeld.length > 0) this.endWith(EXIT.needsPerson);
    else if (report.names.length === 0) this.endWith(EXIT.nothingMatched);
    return { ...answer.document, next: next.kind };
  }
}
