/** Shows, installs or removes what makes the system run syncq by itself. */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.js';
import { confirmed } from '../cli/confirm.js';
import { durationFlag } from '../cli/duration-flag.js';
import { environment } from '../cli/environment.js';
import { installUnits, removeUnits, unitDirectory } from '../cli/schedule-install.js';
import type { ScheduleFacts, ScheduleKind } from '../cli/schedule-texts.js';
import { crontabLine, launchdPlist, runUnits, schtasksLine, shellQuote, watchUnit } from '../cli/schedule-texts.js';
import { refuseUsage } from '../cli/usage.js';
import { printable } from '../render/printable.js';
import type { JsonObject } from '../render/json.js';

const KINDS = ['watch', 'run', 'cron'] as const;
const DEFAULT_EVERY_MS = 5 * 60_000;

export default class Schedule extends BaseCommand {
  static override summary = 'print or install what makes the system run syncq by itself';
  static override description =
    'watch: a systemd user service that delivers at once; run: a systemd timer; cron: a crontab line. On macOS a launchd plist is printed, on Windows a schtasks line. Nothing is changed without --install or --remove';
  static override examples = [
    '<%= config.bin %> schedule watch',
    '<%= config.bin %> schedule watch --install',
    '<%= config.bin %> schedule run --every 15m --install --yes',
    '<%= config.bin %> schedule cron --every 5m',
    '<%= config.bin %> schedule --remove --yes',
  ];
  static override args = {
    kind: Args.string({ description: 'watch, run or cron', options: [...KINDS], default: 'watch', ignoreStdin: true }),
  };
  static override flags = {
    every: Flags.string({ description: 'period of run and cron [default: 5m]', helpValue: 'DUR' }),
    install: Flags.boolean({ description: 'put the systemd units in place and start them', exclusive: ['remove'] }),
    remove: Flags.boolean({ description: 'stop them and take them away' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
  };

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(Schedule);
    const kind = args.kind as ScheduleKind;
    const everyMs = durationFlag('every', flags.every) ?? DEFAULT_EVERY_MS;
    if (flags.every !== undefined && kind === 'watch')
      refuseUsage('--every is for run and cron: watch waits by itself');
    const facts = await this.facts(everyMs);
    if (flags.install || flags.remove) return this.change(kind, facts, flags);
    const files = this.files(kind, facts);
    await this.print(
      ...files.flatMap(({ name, text }, index) => [
        ...(files.length > 1 || name !== '' ? [`${index > 0 ? '\n' : ''}# ${name}`] : []),
        printable(text.trimEnd()),
      ]),
    );
    return { kind, files: files.map(({ name, text }) => ({ name, text })) };
  }

  private async facts(everyMs: number): Promise<ScheduleFacts> {
    // In mode `read` nothing is made: a schedule may be there before the first write.
    const { config, place } = await this.open('read');
    if (place.kind !== 'file') refuseUsage('schedule works for queues in files');
    return {
      node: process.execPath,
      program: realpathSync(process.argv[1] ?? ''),
      config: config.source === undefined ? undefined : resolve(config.source),
      queue: resolve(place.location),
      path: environment()['PATH'],
      everyMs,
    };
  }

  private files(kind: ScheduleKind, facts: ScheduleFacts): { name: string; text: string }[] {
    if (kind === 'cron') {
      const line = crontabLine(facts);
      if (line === undefined)
        refuseUsage(
          `cron knows no such period`,
          'Give minutes that divide an hour, or hours that divide a day: 5m, 15m, 2h',
        );
      return [{ name: '', text: `${line}\n` }];
    }
    if (process.platform === 'darwin') return [launchdPlist(facts, kind)];
    if (process.platform === 'win32') return [{ name: '', text: `${schtasksLine(facts, kind)}\n` }];
    return kind === 'watch' ? watchUnit(facts) : runUnits(facts);
  }

  private async change(
    kind: ScheduleKind,
    facts: ScheduleFacts,
    { remove, yes }: { remove: boolean; yes: boolean },
  ): Promise<JsonObject> {
    if (kind === 'cron') refuseUsage('a crontab is edited by its owner', `Add the printed line with: crontab -e`);
    if (process.platform !== 'linux')
      refuseUsage('--install and --remove know systemd only', 'Print it instead, and follow the system’s own way.');
    const units = remove
      ? [...watchUnit(facts), ...runUnits(facts)]
      : kind === 'watch'
        ? watchUnit(facts)
        : runUnits(facts);
    const directory = unitDirectory(environment());
    const what = `${units.map(({ name }) => name).join(', ')} in ${directory}`;
    const lines = [remove ? `${what} would be stopped and removed` : `${what} would be written and started`, 'go on'];
    const isSure = await confirmed({ lines, would: lines[0] ?? '', yes, json: this.jsonEnabled() });
    if (!isSure) return { kind, installed: false, removed: false, files: [], problem: null };
    const { files, problem } = remove ? removeUnits(units, environment()) : installUnits(units, environment());
    await this.say(
      ...files.map((file) => `${remove ? 'removed' : 'wrote'} ${file}`),
      ...(files.length === 0 ? ['nothing to remove'] : []),
    );
    if (problem !== undefined) {
      const later = remove
        ? 'systemctl --user daemon-reload'
        : `systemctl --user daemon-reload; systemctl --user enable --now ${shellQuote(units.at(-1)?.name ?? '')}`;
      await this.say(`systemd was not told: ${problem}`, `later: ${later}`);
    } else if (!remove) await this.say('to keep it running while nobody is logged in: loginctl enable-linger');
    return { kind, installed: !remove, removed: remove, files, problem: problem ?? null };
  }
}
