/** Sends what is due, then exits. */
import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { durationFlag } from '../cli/items/duration-flag.js';
import { childEnvironment } from '../cli/program/environment.js';
import { exitCodeOfDrain } from '../cli/program/exit-codes.js';
import type { EventPrinter } from '../cli/run/event-printer.js';
import { needsPerson, printEvents } from '../cli/run/event-printer.js';
import { keepHeapSmall } from '../cli/program/heap.js';
import { startHooks } from '../cli/run/hooks.js';
import type { Stopping } from '../cli/program/signals.js';
import { catchSignals } from '../cli/program/signals.js';
import { drainDocument, drainLines, dryRunDocument, dryRunTable } from '../render/drain.js';
import { eventDocument, eventLine } from '../render/events.js';
import type { Queue } from '../core/index.js';
import type { JsonObject } from '../render/json.js';

/** Time for running hooks at the end, ms: their own limit. */
const HOOK_PATIENCE_MS = 30_000;

/** Most requests that a dry run lists without --limit. */
const MOST_LISTED = 1_000;

export default class Run extends BaseCommand {
  static override summary = 'send what is due, then exit';
  static override description =
    'There is one runner per queue. Beside another runner it says who is running and ends with 0, so cron runs may overlap. See also: syncq help exit-codes';
  static override examples = [
    '<%= config.bin %> run',
    '<%= config.bin %> run --wait --max-time 10m',
    '<%= config.bin %> run --target staging --concurrency 4 --limit 100',
    '<%= config.bin %> run --dry-run',
  ];
  static override flags = {
    target: Flags.string({ description: 'only items for this target', helpValue: 'NAME' }),
    limit: Flags.integer({ description: 'most attempts to start', helpValue: 'N', min: 1 }),
    concurrency: Flags.integer({
      description: 'requests in flight in all, one per lane [default: 1]',
      helpValue: 'N',
      min: 1,
    }),
    'max-time': Flags.string({ description: 'stop starting attempts after this time', helpValue: 'DUR' }),
    wait: Flags.boolean({ description: 'continue while anything can still move by itself' }),
    'dry-run': Flags.boolean({
      description: 'list the requests, send and change nothing',
      exclusive: ['wait', 'events', 'require'],
    }),
    events: Flags.boolean({ description: 'print each event as it happens, one per line' }),
    require: Flags.boolean({ description: 'end with 4 when another runner is active' }),
  };

  override async run(): Promise<JsonObject> {
    const { flags } = await this.parse(Run);
    const { target, limit, concurrency, wait } = flags;
    const scope = { ...(target === undefined ? {} : { target }), ...(limit === undefined ? {} : { limit }) };
    if (flags['dry-run']) {
      const most = limit ?? MOST_LISTED;
      const found = await (await this.openQueue('read')).dryRun({ ...scope, limit: most + 1 });
      const rows = found.slice(0, most);
      const more = found.length > most;
      await this.print(...(await dryRunTable(rows, await this.look())));
      // An empty list alone would mislead: a real run probes a held target and may then send.
      if (rows.length === 0) await this.say('nothing is due; what waits, and for what: syncq status');
      if (more && limit === undefined) await this.say(`the first ${MOST_LISTED} are listed; for more: --limit N`);
      return { ...dryRunDocument(rows), more };
    }
    this.isLines = flags.events;
    const maxTimeMs = durationFlag('max-time', flags['max-time']);
    const { queue, config } = await this.open('write');
    const hooks = startHooks(config.hooks, {
      env: childEnvironment(config),
      onFailure: (message) => void this.say(message),
    });
    const stopping = catchSignals({
      onSignal: (_signal, count) =>
        void this.say(
          count === 1 ? 'stopping: requests in flight may end (10 s); once more cuts them off' : 'cutting off',
        ),
    });
    try {
      const printer = await this.printer(flags.events, stopping, () => toSend(queue, scope));
      const report = await queue.drain({
        kind: 'run',
        ...scope,
        ...(concurrency === undefined ? {} : { concurrency }),
        ...(maxTimeMs === undefined ? {} : { maxTimeMs }),
        wait,
        stop: stopping.stop,
        abort: stopping.abort,
        stopCode: () => stopping.exitCode(),
        onEvent: (event) => {
          // Loaded late, so that a run with nothing to send, every minute under cron, does not pay for it.
          if (event.event === 'sending') void keepHeapSmall();
          printer.handle(event);
          hooks.handle(event);
        },
      });
      await printer.done();
      if (report.attempts > 0 && report.stopped === 'drained') {
        const { due, waiting, blocked, held } = report.remaining;
        const { nextDueAt } = await queue.status();
        hooks.handle({ event: 'idle', at: this.now, pending: due + waiting + blocked + held, nextDueAt });
      }
      await hooks.end(HOOK_PATIENCE_MS);
      this.endWith(exitCodeOfDrain(report, flags.require, stopping.received()));
      const look = await this.look();
      const isWorthSaying = look.terminal || report.stopped === 'other-runner';
      if (isWorthSaying) await this.say(...drainLines(report, look));
      return drainDocument(report);
    } finally {
      stopping.dispose();
    }
  }

  /** All events with --events; else a progress line on a terminal, or under cron only what needs a person. */
  private async printer(all: boolean, stopping: Stopping, total: () => Promise<number>): Promise<EventPrinter> {
    const look = await this.look();
    const progress = await this.progress('sending');
    const wanted = progress.isShown ? await total() : undefined;
    let ended = 0;
    return printEvents(
      (event) => {
        if (event.event === 'delivered' || event.event === 'review') ended += 1;
        progress.update(ended, wanted);
        if (all)
          return this.jsonEnabled() ? this.printObject(eventDocument(event)) : this.print(eventLine(event, look));
        return needsPerson(event) && !this.isQuiet ? this.print(eventLine(event, look)) : undefined;
      },
      () => stopping.end(),
    );
  }
}

/** Items in scope that this run may end: those that are due, and those behind them. */
async function toSend(queue: Queue, { target, limit }: { target?: string; limit?: number }): Promise<number> {
  const { targets } = await queue.status();
  const counts = targets
    .filter(({ name }) => target === undefined || name === target)
    .map(({ due, blocked, behindReview }) => due + blocked - behindReview);
  return Math.min(
    counts.reduce((sum, count) => sum + count, 0),
    limit ?? Infinity,
  );
}
