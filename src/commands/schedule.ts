/** Shows, installs or removes the schedule that runs syncq. */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { resolveQueueLeniently } from '../cli/queue/config-file.js';
import { confirmed } from '../cli/program/confirm.js';
import { durationFlag } from '../cli/items/duration-flag.js';
import { environment } from '../cli/program/environment.js';
import { readConfig } from '../cli/queue/open-queue.js';
import { installLine, removeLine } from '../cli/schedule/crontab.js';
import type { Installed } from '../cli/schedule/install.js';
import { chooseName, installUnits, removeUnits, unitDirectory, unitFiles } from '../cli/schedule/install.js';
import { scheduledSecrets, secretLines } from '../cli/schedule/secrets.js';
import type { ScheduleFacts, ScheduleKind } from '../cli/schedule/unit-texts.js';
import { crontabLine, launchdPlist, runUnits, schtasksLine, watchUnit } from '../cli/schedule/unit-texts.js';
import { refuseUsage } from '../cli/program/usage.js';
import { oneLine, printable } from '../render/printable.js';
import type { JsonObject } from '../render/json.js';

const KINDS = ['watch', 'run', 'cron'] as const;
const DEFAULT_EVERY_MS = 5 * 60_000;

export default class Schedule extends BaseCommand {
  static override summary = 'print or install a systemd unit, a timer or a crontab line';
  static override description =
    'watch: a systemd user service that delivers at once. run: a systemd timer. cron: a crontab line. On macOS a launchd plist is printed, on Windows a schtasks line. Credentials from { "env": NAME } come from a file that the units name; cron does not have them. Nothing is changed without --install or --remove.';
  static override examples = [
    '<%= config.bin %> schedule watch',
    '<%= config.bin %> schedule watch --install',
    '<%= config.bin %> schedule run --every 15m --install --yes',
    '<%= config.bin %> schedule cron --every 5m --install',
    '<%= config.bin %> schedule --remove --yes',
  ];
  static override args = {
    kind: Args.string({ description: 'watch, run or cron', options: [...KINDS], default: 'watch', ignoreStdin: true }),
  };
  static override flags = {
    every: Flags.string({ description: 'period of run and cron [default: 5m]', helpValue: 'DUR' }),
    install: Flags.boolean({
      description: 'install and start the systemd units, or add the line to your crontab',
      exclusive: ['remove'],
    }),
    remove: Flags.boolean({ description: 'stop and remove the schedule of this queue' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
  };

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(Schedule);
    const kind = args.kind as ScheduleKind;
    const everyMs = durationFlag('every', flags.every) ?? DEFAULT_EVERY_MS;
    if (flags.every !== undefined && kind === 'watch')
      refuseUsage('--every is for run and cron: watch waits by itself');
    const facts = this.facts(everyMs, flags);
    if (flags.remove) return this.remove(kind, facts, flags.yes);
    if (flags.install) return this.install(kind, facts, flags.yes);
    const files = this.files(kind, facts);
    await this.print(
      ...files.flatMap(({ name, text }, index) => [
        ...(files.length > 1 || name !== '' ? [`${index > 0 ? '\n' : ''}# ${name}`] : []),
        printable(text.trimEnd()),
      ]),
    );
    await this.say(...secretLines(facts, isSystemd(kind)));
    return { kind, files: files.map(({ name, text }) => ({ name, text })) };
  }

  /** The queue does not have to exist: a schedule may be set up before the first write and removed after the last. */
  private facts(everyMs: number, { queue, remove }: { queue?: string | undefined; remove: boolean }): ScheduleFacts {
    const lookup = this.configLookup();
    const lenient = readConfig(remove ? 'read' : 'write', lookup);
    const { config } = lenient;
    const { dataDir } = this.config;
    const place = resolveQueueLeniently(lenient, { flag: queue, env: lookup.env, cwd: lookup.cwd, dataDir });
    if (place.kind !== 'file') refuseUsage('schedule works for queues in files');
    const broken = [place.location, config.source].find((file) => file !== undefined && /\p{Cc}/u.test(file));
    if (broken !== undefined)
      refuseUsage(`${oneLine(broken)} holds a control character, which no unit and no crontab can carry`);
    return {
      node: process.execPath,
      program: realpathSync(process.argv[1] ?? ''),
      config: config.source === undefined ? undefined : resolve(config.source),
      queue: resolve(place.location),
      path: environment()['PATH'],
      everyMs,
      ...scheduledSecrets(config, this.config.configDir, place.location),
    };
  }

  private files(kind: ScheduleKind, facts: ScheduleFacts): { name: string; text: string }[] {
    if (kind === 'cron') return [{ name: '', text: `${cronLine(facts)}\n` }];
    if (process.platform === 'darwin') return [launchdPlist(facts, kind)];
    if (process.platform === 'win32') return [{ name: '', text: `${schtasksLine(facts, kind)}\n` }];
    const name = chooseName(facts.queue, environment());
    return kind === 'watch' ? watchUnit(facts, name) : runUnits(facts, name);
  }

  private async install(kind: ScheduleKind, facts: ScheduleFacts, yes: boolean): Promise<JsonObject> {
    if (process.platform === 'win32' || (process.platform !== 'linux' && kind !== 'cron'))
      refuseUsage('--install knows systemd and cron only', 'Print it instead, and follow the system’s own way.');
    const units = this.files(kind, facts);
    const what =
      kind === 'cron'
        ? `the line ${units[0]?.text.trimEnd() ?? ''} would be put into your crontab`
        : `${units.map(({ name }) => name).join(', ')} in ${unitDirectory(environment())} would be written and started`;
    if (!(await this.isSure(what, yes))) return answer(kind, {});
    if (kind === 'cron') {
      const changed = installLine(facts.queue, cronLine(facts), environment());
      await this.say(changed ? 'the line is in your crontab' : 'the line is in your crontab already');
      await this.say(...secretLines(facts, false));
      return answer(kind, { installed: true });
    }
    const { files, problem } = installUnits(units, environment());
    await this.say(...files.map((file) => `wrote ${file}`), ...secretLines(facts, true));
    const start = `systemctl --user enable --now ${units.at(-1)?.name ?? ''}`;
    if (problem !== undefined) await this.sayUntold(problem, `systemctl --user daemon-reload; ${start}`);
    else await this.say('to keep it running while nobody is logged in: loginctl enable-linger');
    return answer(kind, { installed: true, files, problem });
  }

  /** Removes everything of this queue: units and the crontab line. */
  private async remove(kind: ScheduleKind, { queue }: ScheduleFacts, yes: boolean): Promise<JsonObject> {
    if (process.platform === 'win32')
      refuseUsage('--remove knows systemd and cron only', 'Take it away in the system’s own way: schtasks /Delete');
    const names = process.platform === 'linux' ? unitFiles(queue, environment()) : [];
    const units = names.length === 0 ? '' : `${names.join(', ')} in ${unitDirectory(environment())} and `;
    if (!(await this.isSure(`${units}the crontab line of ${queue} would be removed, those that are there`, yes)))
      return answer(kind, {});
    const { files, problem } = removeUnits(names, environment());
    const hadLine = removeLine(queue, environment());
    await this.say(
      ...files.map((file) => `removed ${file}`),
      ...(hadLine ? ['removed the line from your crontab'] : []),
      ...(files.length === 0 && !hadLine ? ['nothing to remove'] : []),
    );
    if (problem !== undefined) await this.sayUntold(problem, 'systemctl --user daemon-reload');
    return answer(kind, { removed: true, files, problem });
  }

  private isSure(would: string, yes: boolean): Promise<boolean> {
    return confirmed({ lines: [would, 'go on'], would, yes, json: this.jsonEnabled() });
  }

  private async sayUntold(problem: string, later: string): Promise<void> {
    await this.say(`systemd was not told: ${problem}`, `later: ${later}`);
  }
}

const isSystemd = (kind: ScheduleKind): boolean => kind !== 'cron' && process.platform === 'linux';

function cronLine(facts: ScheduleFacts): string {
  const line = crontabLine(facts);
  if (line !== undefined) return line;
  return refuseUsage(
    'cron knows no such period',
    'Give minutes that divide an hour, or hours that divide a day: 5m, 15m, 2h',
  );
}

function answer(
  kind: ScheduleKind,
  {
    installed = false,
    removed = false,
    files = [],
    problem,
  }: Partial<Installed & Record<'installed' | 'removed', boolean>>,
): JsonObject {
  return { kind, installed, removed, files, problem: problem ?? null };
}
