/** The background loop in the foreground: delivers whenever a server can be reached, until it is told to stop. */
import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.js';
import { loadConfig } from '../cli/config-file.js';
import { EXIT, exitCodeOfSignal } from '../cli/exit-codes.js';
import { catchSignals } from '../cli/signals.js';
import { watchQueue } from '../cli/watch-loop.js';
import { eventDocument, eventLine } from '../render/events.js';

export default class Watch extends BaseCommand {
  static override summary =
    'deliver in the background: whenever a server can be reached, and at once when something is enqueued';
  static override description =
    'runs until a signal ends it: the first lets requests in flight end, a second cuts them off; beside another runner it stands by and takes over; SIGHUP reads the config again';
  static override examples = [
    '<%= config.bin %> watch',
    '<%= config.bin %> watch --concurrency 4',
    '<%= config.bin %> watch --json --quiet >> events.ndjson',
  ];
  static override flags = {
    target: Flags.string({ description: 'only items for this target', helpValue: 'NAME' }),
    concurrency: Flags.integer({
      description: 'requests in flight in all, one per lane [default: 1]',
      helpValue: 'N',
      min: 1,
    }),
  };

  protected override isLines = true;

  override async run(): Promise<undefined> {
    const { flags } = await this.parse(Watch);
    const { target, concurrency } = flags;
    let reload = new AbortController();
    const stopping = catchSignals({
      onReload: () => {
        if (this.canReload()) reload.abort();
      },
      onSignal: (_signal, count) =>
        void this.say(
          count === 1 ? 'stopping: requests in flight may end (10 s); once more cuts them off' : 'cutting off',
        ),
    });
    try {
      do {
        reload = new AbortController();
        const queue = await this.openQueue('create');
        await watchQueue(
          queue,
          {
            ...(target === undefined ? {} : { target }),
            ...(concurrency === undefined ? {} : { concurrency }),
            stop: AbortSignal.any([stopping.stop, reload.signal]),
            abort: stopping.abort,
          },
          async (event) =>
            this.jsonEnabled()
              ? this.printObject(eventDocument(event))
              : this.print(eventLine(event, await this.look())),
        );
        if (reload.signal.aborted) await this.closeQueues();
      } while (reload.signal.aborted && !stopping.stop.aborted);
      const signal = stopping.received();
      this.endWith(signal === undefined ? EXIT.ok : exitCodeOfSignal(signal));
      return undefined;
    } finally {
      stopping.dispose();
    }
  }

  /** A config that cannot be read must not end a service that works: it goes on with the one it has. */
  private canReload(): boolean {
    try {
      loadConfig(this.configLookup());
      return true;
    } catch (error) {
      void this.tell(`the config is not read again: ${error instanceof Error ? error.message : 'it cannot be read'}`);
      return false;
    }
  }
}
