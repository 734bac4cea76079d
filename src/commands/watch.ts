/** Runs the background loop in the foreground: sends whenever a server can be reached, until it is stopped. */
import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { loadConfig } from '../cli/queue/config-file.js';
import { childEnvironment } from '../cli/program/environment.js';
import { EXIT } from '../cli/program/exit-codes.js';
import { keepHeapSmall } from '../cli/program/heap.js';
import { startHooks } from '../cli/run/hooks.js';
import { liveView } from '../cli/run/live-view.js';
import type { LogLevel } from '../cli/program/log-level.js';
import { isLogged, LOG_LEVELS } from '../cli/program/log-level.js';
import { startMetrics } from '../cli/run/metrics-server.js';
import { serviceManager } from '../cli/run/service-manager.js';
import type { Stopping } from '../cli/program/signals.js';
import { catchSignals } from '../cli/program/signals.js';
import type { Shower } from '../cli/run/watch.js';
import { watchOnce } from '../cli/run/watch.js';
import type { Queue } from '../core/index.js';
import { eventDocument, eventLine } from '../render/events.js';

export default class Watch extends BaseCommand {
  static override summary =
    'deliver in the background: whenever a server can be reached, and at once when something is enqueued';
  static override description =
    'Runs until a signal ends it: the first one lets requests in flight end, a second one aborts them. Beside another runner it stands by and takes over. SIGHUP without a terminal reloads the config. On a terminal it shows a live view (q quits), elsewhere one line per event. To keep it running: syncq schedule';
  static override examples = [
    '<%= config.bin %> watch',
    '<%= config.bin %> watch --concurrency 8',
    '<%= config.bin %> watch --log-level warn --metrics 127.0.0.1:9464',
    '<%= config.bin %> watch --json --quiet >> events.ndjson',
  ];
  static override flags = {
    target: Flags.string({ description: 'only items for this target', helpValue: 'NAME' }),
    concurrency: Flags.integer({
      description: 'requests in flight in all, one per lane [default: 4]',
      helpValue: 'N',
      min: 1,
    }),
    'log-level': Flags.option({
      description: 'lowest level of the events to print [default: debug]',
      options: LOG_LEVELS,
    })(),
    metrics: Flags.string({ description: 'serve OpenMetrics at this address', helpValue: 'HOST:PORT' }),
  };

  protected override isLines = true;

  override async run(): Promise<undefined> {
    const { flags } = await this.parse(Watch);
    const { target, concurrency, metrics: address } = flags;
    const level = flags['log-level'];
    const service = serviceManager();
    let reload = new AbortController();
    const stopping = catchSignals({
      onReload: () => {
        if (this.canReload()) reload.abort();
      },
      onSignal: (_signal, count) => {
        service.stopping();
        void this.say(
          count === 1 ? 'stopping: requests in flight may end (10 s); once more cuts them off' : 'cutting off',
        );
      },
    });
    await keepHeapSmall();
    let opened = await this.open('create');
    const metrics = address === undefined ? undefined : await startMetrics(address, opened.queue, this.now);
    const hooks = ({ config }: typeof opened): ReturnType<typeof startHooks> =>
      startHooks(config.hooks, {
        env: childEnvironment(config),
        onFailure: (message) => void this.say(message),
      });
    const counts = { delivered: 0 };
    let isReload = false;
    try {
      for (;;) {
        const { signal } = reload;
        const stop = AbortSignal.any([stopping.stop, signal]);
        const options = {
          ...(target === undefined ? {} : { target }),
          ...(concurrency === undefined ? {} : { concurrency }),
          isReload,
          onUnknownTarget: (name: string) => {
            if (this.configNames(name)) reload.abort();
          },
        };
        const shower = await this.shower(opened.queue, level, stopping);
        const signals = { stop, abort: stopping.abort, stopCode: () => stopping.exitCode() };
        await watchOnce(opened, { ...options, ...signals }, shower, { service, metrics, hooks, counts });
        if (!signal.aborted || stopping.stop.aborted) break;
        service.reloading();
        isReload = true;
        await this.closeQueues();
        reload = new AbortController();
        opened = await this.open('create');
      }
      this.endWith(stopping.exitCode() ?? EXIT.ok);
      return undefined;
    } finally {
      service.dispose();
      await metrics?.close();
      stopping.dispose();
    }
  }

  /** A live view for a person, else one line per event. */
  private async shower(queue: Queue, level: LogLevel | undefined, stopping: Stopping): Promise<Shower> {
    const isLive = !this.jsonEnabled() && level === undefined && (await this.look()).terminal;
    if (isLive) return liveView(queue, { look: () => this.look(), leave: () => stopping.end() });
    return {
      show: async (event) => {
        if (!isLogged(event, level ?? 'debug')) return;
        await (this.jsonEnabled()
          ? this.printObject(eventDocument(event))
          : this.print(eventLine(event, await this.look())));
      },
      end: async () => undefined,
    };
  }

  /** The target may have been added after this config was read (`target add`). */
  private configNames(target: string): boolean {
    try {
      return loadConfig(this.configLookup()).targets.has(target);
    } catch {
      return false;
    }
  }

  /** A broken config must not end a working service: it continues with the present one. */
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
