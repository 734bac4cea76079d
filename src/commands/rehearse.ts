/** Runs a local server that answers by a script, to try a policy before production. */
import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { exitCodeOfSignal } from '../cli/program/exit-codes.js';
import { rehearse } from '../cli/move/rehearse.js';
import { catchSignals } from '../cli/program/signals.js';
import { journalDocument, journalLine, rehearsalDocument, rehearsalLine } from '../render/rehearse.js';

export default class Rehearse extends BaseCommand {
  static override summary = 'start a local server that answers by a script, to try a policy before production';
  static override description =
    'Listens on 127.0.0.1 only. A step is a status, drop, reset, hang or slow:DUR, with *N (times), :DUR (for that long) or +DUR (Retry-After). The last step lasts for ever. Checks idempotency keys. A signal ends it with a summary.';
  static override examples = [
    "<%= config.bin %> rehearse --script '201*20,503:30s,429+5s,drop,401,slow:2s'",
    '<%= config.bin %> rehearse --port 8080 --script @outage.txt --journal requests.ndjson',
  ];
  static override flags = {
    port: Flags.integer({
      description: 'port on 127.0.0.1, 0 for a free one',
      helpValue: 'N',
      min: 0,
      max: 65_535,
      default: 0,
    }),
    script: Flags.string({ description: 'the answers, or @FILE', helpValue: 'STEPS|@FILE', default: '201' }),
    journal: Flags.string({
      description: 'append every request to this file, one JSON object per line',
      helpValue: 'FILE',
    }),
  };

  protected override isLines = true;

  override async run(): Promise<undefined> {
    const { flags } = await this.parse(Rehearse);
    const stopping = catchSignals();
    try {
      const summary = await rehearse({
        port: flags.port,
        script: flags.script,
        journal: flags.journal,
        stop: stopping.stop,
        onListening: (url) => (this.jsonEnabled() ? this.printObject({ event: 'listening', url }) : this.print(url)),
        onRequest: (entry) =>
          this.jsonEnabled()
            ? this.printObject({ event: 'request', ...journalDocument(entry) })
            : this.print(journalLine(entry)),
      });
      if (this.jsonEnabled()) await this.printObject({ event: 'ended', ...rehearsalDocument(summary) });
      else await this.say(rehearsalLine(summary));
      const signal = stopping.received();
      if (signal !== undefined) this.endWith(exitCodeOfSignal(signal));
      return undefined;
    } finally {
      stopping.dispose();
    }
  }
}
