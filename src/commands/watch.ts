/** The background loop in the foreground: delivers whenever a server can be reached, until it is told to stop. */
import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.js';
import { loadConfig } from '../cli/config-file.js';
import { EXIT, exitCodeOfSignal } from '../cli/exit-codes.js';
import { liveView } from '../cli/live-view.js';
import { writeOut } from '../cli/output.js';
import { serviceManager } from '../cli/service-manager.js';
import { catchSignals } from '../cli/signals.js';
import { watchQueue } from '../cli/watch-loop.js';
import type { Queue, QueueEvent } from '../core/index.js';
import { eventDocument, eventLine } from '../render/events.js';
import type { Look } from '../render/style.js';

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
    const service = serviceManager();
    try {
      do {
        reload = new AbortController();
        const queue = await this.openQueue('create');
        const show = await this.shower(queue);
        service.ready();
        await watchQueue(
          queue,
          {
            ...(target === undefined ? {} : { target }),
            ...(concurrency === undefined ? {} : { concurrency }),
            stop: AbortSignal.any([stopping.stop, reload.signal]),
            abort: stopping.abort,
          },
          show.event,
        ).finally(show.end);
        if (reload.signal.aborted) await this.closeQueues();
      } while (reload.signal.aborted && !stopping.stop.aborted);
      const signal = stopping.received();
      this.endWith(signal === undefined ? EXIT.ok : exitCodeOfSignal(signal));
      return undefined;
    } finally {
      service.stopping();
      service.dispose();
      stopping.dispose();
    }
  }

  /** A live view for a person, else one line per event. */
  private async shower(
    queue: Queue,
  ): Promise<{ event: (event: QueueEvent) => Promise<void>; end: () => Promise<void> }> {
    const look = (): Promise<Look> => this.look();
    const isLive = !this.jsonEnabled() && (await look()).terminal;
    if (isLive) {
      const view = liveView(queue, { look, rows: () => process.stdout.rows, print: writeOut });
      return { event: async (event) => view.show(event), end: () => view.end() };
    }
    return {
      event: async (event) =>
        this.jsonEnabled() ? this.printObject(eventDocument(event)) : this.print(eventLine(event, await look())),
      end: async () => undefined,
    };
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
