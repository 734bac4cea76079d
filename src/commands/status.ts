/** Shows whether everything is delivered, and if not, why. */
import { Flags } from '@oclif/core';
import { effectiveUser } from '../cli/program/actor.js';
import { BaseCommand } from '../cli/queue/base-command.js';
import { ageView } from '../cli/status/ages.js';
import { durationFlag } from '../cli/items/duration-flag.js';
import { EXIT } from '../cli/program/exit-codes.js';
import { followStatus } from '../cli/status/follow.js';
import { writeOut } from '../cli/program/output.js';
import { checkLimits, checkReport } from '../cli/status/check.js';
import type { JsonObject } from '../render/json.js';
import { openMetrics } from '../render/metrics.js';
import { statusDocument } from '../render/status-document.js';
import { checkLine, statusView } from '../render/status.js';

const CHECK = { helpGroup: 'CHECK' } as const;

export default class Status extends BaseCommand {
  static override summary = 'show what is delivered, what waits, and why';
  static override description =
    'The first line is the answer. --check is for monitoring: it prints nothing when all is well, else one line on stderr, and ends with 3.';
  // What oclif makes of these exclusions is "[--openmetrics |  |  | [--ages |  | ...".
  static override usage = [
    'status [--follow | --ages | --openmetrics] [FLAGS]',
    'status --check [--max-age DUR] [--max-review N] [--max-idle DUR] [FLAGS]',
  ];
  static override examples = [
    '<%= config.bin %> status',
    '<%= config.bin %> status --follow',
    '<%= config.bin %> status --check --max-age 30m --max-review 5 --quiet',
    '<%= config.bin %> status --ages',
    '<%= config.bin %> status --json',
  ];
  static override flags = {
    follow: Flags.boolean({ char: 'f', description: 'show it again whenever it changes', exclusive: ['check'] }),
    ages: Flags.boolean({
      description: 'show how old the unfinished items are, target by target',
      exclusive: ['check', 'follow'],
    }),
    openmetrics: Flags.boolean({
      description: 'print OpenMetrics text, for the textfile collector of node exporter',
      exclusive: ['follow', 'check', 'ages', 'json'],
    }),
    check: Flags.boolean({
      ...CHECK,
      description: 'end with 3 when a limit is exceeded [default limits: --max-review 0 --max-age 1h]',
    }),
    'max-age': Flags.string({
      ...CHECK,
      description: 'longest allowed wait of an item',
      helpValue: 'DUR',
      dependsOn: ['check'],
    }),
    'max-review': Flags.integer({
      ...CHECK,
      description: 'most allowed items in review',
      helpValue: 'N',
      min: 0,
      dependsOn: ['check'],
    }),
    'max-idle': Flags.string({
      ...CHECK,
      description: 'longest allowed time without a runner while something waits',
      helpValue: 'DUR',
      dependsOn: ['check'],
    }),
  };

  override async run(): Promise<JsonObject | undefined> {
    const { flags } = await this.parse(Status);
    this.isLines = flags.follow;
    const limits = checkLimits({
      maxAgeMs: durationFlag('max-age', flags['max-age']),
      maxReview: flags['max-review'],
      maxIdleMs: durationFlag('max-idle', flags['max-idle']),
    });
    const queue = await this.openQueue('read');
    if (flags.follow) {
      const code = await followStatus(queue, {
        look: () => this.look(),
        print: (...lines) => this.print(...lines),
        printObject: this.jsonEnabled() ? (document) => this.printObject(document) : undefined,
        user: effectiveUser(),
        reopen: async () => {
          await this.closeQueues();
          return this.openQueue('read');
        },
      });
      this.endWith(code);
      return undefined;
    }
    const report = await queue.status();
    if (flags.openmetrics) {
      await writeOut(openMetrics(report));
      return undefined;
    }
    if (flags.ages) {
      const ages = await ageView(queue, report, await this.look(), effectiveUser());
      await this.print(...ages.lines);
      return ages.document;
    }
    if (!flags.check) {
      await this.print(...(await statusView(report, await this.look(), effectiveUser())));
      return statusDocument(report);
    }
    const check = checkReport(report, limits, this.now);
    if (!check.ok) {
      this.endWith(EXIT.needsPerson);
      if (!this.jsonEnabled()) await this.tell(checkLine(check));
    }
    return statusDocument(report, check);
  }
}
