/**
 * The texts that make an operating system run syncq: systemd units, a crontab line, a launchd plist, a Windows task.
 * Pure.
 */
import { shellWord } from '../../core/policy/shell-word.js';

export type ScheduleKind = 'watch' | 'run' | 'cron';

export interface ScheduleFacts {
  /** Absolute paths of the Node in use and of the program. */
  node: string;
  program: string;
  /** Absolute. */
  config: string | undefined;
  queue: string;
  /** The caller's `PATH`, so that credential commands and hooks are found as they are now. */
  path: string | undefined;
  everyMs: number;
  /** Variables that hold secrets of the config: no service manager knows them. */
  secrets: readonly string[];
  /** Where units read them from. Absolute. */
  secretsFile: string;
}

export interface UnitFile {
  name: string;
  text: string;
}

/** Exit codes that are not a failure of the service: a person is needed, try later, stopped by a signal. */
const SUCCESS = 'SuccessExitStatus=3 4 130 143';

/** The name of this queue in its units. */
export function queueWords(queue: string): string {
  return ` --queue ${systemdQuote(queue)}`;
}

function argv({ node, program, config, queue }: ScheduleFacts, command: string): string[] {
  return [node, program, command, '--queue', queue, ...(config === undefined ? [] : ['--config', config])];
}

/**
 * The unit's name contains the queue's, so that two queues have two services (`chooseName` tells equal names apart).
 */
export function unitName(queue: string): string {
  const base = (queue.split(/[/\\]/).at(-1) ?? '').replace(/\.[^.]*$/, '').replaceAll(/[^A-Za-z0-9_.-]/g, '-');
  return base === '' || base === 'syncq' ? 'syncq' : `syncq-${base}`;
}

/** Quotes for systemd.syntax(7): double quotes, with `%` and `$` doubled. */
export function systemdQuote(word: string): string {
  const escaped = word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? escaped : `"${escaped}"`;
}

const HARDENING = ['NoNewPrivileges=yes', 'UMask=0077', 'PrivateTmp=no', 'LockPersonality=yes', 'RestrictSUIDSGID=yes'];

export function watchUnit(facts: ScheduleFacts, name = unitName(facts.queue)): UnitFile[] {
  const lines = [
    '[Unit]',
    `Description=syncq: delivers the writes of ${oneWord(facts.queue)}`,
    'Documentation=man:systemd.service(5)',
    '# It waits for the network by itself, and is never given up.',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=notify',
    '# systemd-notify, which syncq calls, is a process of its own.',
    'NotifyAccess=all',
    `ExecStart=${argv(facts, 'watch').map(systemdQuote).join(' ')}`,
    'ExecReload=/bin/kill -HUP $MAINPID',
    ...environmentLine(facts),
    'Restart=on-failure',
    'RestartSec=5',
    SUCCESS,
    'WatchdogSec=5min',
    'TimeoutStartSec=90',
    'TimeoutStopSec=30',
    ...HARDENING,
    '',
    '[Install]',
    'WantedBy=default.target',
  ];
  return [{ name: `${name}.service`, text: `${lines.join('\n')}\n` }];
}

export function runUnits(facts: ScheduleFacts, base = unitName(facts.queue)): UnitFile[] {
  const name = `${base}-run`;
  const service = [
    '[Unit]',
    `Description=syncq: sends what is due in ${oneWord(facts.queue)}`,
    '',
    '[Service]',
    'Type=oneshot',
    `ExecStart=${argv(facts, 'run').map(systemdQuote).join(' ')}`,
    ...environmentLine(facts),
    SUCCESS,
    ...HARDENING,
  ];
  const timer = [
    '[Unit]',
    `Description=syncq: every ${facts.everyMs / 1000} s`,
    '',
    '[Timer]',
    'OnBootSec=1min',
    `OnUnitInactiveSec=${facts.everyMs / 1000}s`,
    '# Many machines do not come at the same second.',
    `RandomizedDelaySec=${Math.min(30, Math.round(facts.everyMs / 10_000))}s`,
    '',
    '[Install]',
    'WantedBy=timers.target',
  ];
  return [
    { name: `${name}.service`, text: `${service.join('\n')}\n` },
    { name: `${name}.timer`, text: `${timer.join('\n')}\n` },
  ];
}

function environmentLine({ path, secrets, secretsFile }: ScheduleFacts): string[] {
  return [
    ...(path === undefined ? [] : [`Environment=${systemdQuote(`PATH=${path}`)}`]),
    ...(secrets.length === 0
      ? []
      : [
          `# One line each, for you alone (mode 0600): ${secrets.map((name) => `${name}=...`).join(' ')}`,
          `EnvironmentFile=${secretsFile.replaceAll('%', '%%')}`,
        ]),
  ];
}

/** A description is one line. */
function oneWord(text: string): string {
  return text.replaceAll(/[\p{Cc}]/gu, ' ').replaceAll('%', '%%');
}

/**
 * The crontab line. Overlap is harmless, because a second `run` reports the first and ends.
 *
 * @returns undefined unless the period is a number of minutes that divides an hour, or of hours that divides a day
 */
export function crontabLine(facts: ScheduleFacts): string | undefined {
  const minutes = facts.everyMs / 60_000;
  const command = argv(facts, 'run').map(cronQuote).join(' ');
  if (Number.isInteger(minutes) && minutes < 60 && 60 % minutes === 0) {
    return `${minutes === 1 ? '*' : `*/${minutes}`} * * * * ${command}`;
  }
  const hours = minutes / 60;
  if (Number.isInteger(hours) && 24 % hours === 0)
    return `0 ${hours === 1 ? '*' : hours === 24 ? '0' : `*/${hours}`} * * * ${command}`;
  return undefined;
}

/** Quotes for the shell, and for cron, which ends a command at a percent sign. */
export function cronQuote(word: string): string {
  return shellWord(word).replaceAll('%', '\\%');
}

/** For `~/Library/LaunchAgents`; then: launchctl bootstrap gui/$UID FILE. */
export function launchdPlist(facts: ScheduleFacts, kind: ScheduleKind): UnitFile {
  const label = unitName(facts.queue);
  const strings = argv(facts, kind === 'watch' ? 'watch' : 'run').map((word) => `    <string>${xml(word)}</string>`);
  const when =
    kind === 'watch'
      ? ['  <key>KeepAlive</key>', '  <true/>', '  <key>RunAtLoad</key>', '  <true/>']
      : ['  <key>StartInterval</key>', `  <integer>${Math.round(facts.everyMs / 1000)}</integer>`];
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    '<dict>',
    '  <key>Label</key>',
    `  <string>${xml(label)}</string>`,
    '  <key>ProgramArguments</key>',
    '  <array>',
    ...strings,
    '  </array>',
    ...when,
    '</dict>',
    '</plist>',
  ];
  return { name: `${label}.plist`, text: `${lines.join('\n')}\n` };
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** For a command prompt; schtasks takes the command as one argument with escaped quotes. */
export function schtasksLine(facts: ScheduleFacts, kind: ScheduleKind): string {
  const command = argv(facts, kind === 'watch' ? 'watch' : 'run')
    .map((word) => `\\"${word}\\"`)
    .join(' ');
  const when = kind === 'watch' ? '/SC ONLOGON' : `/SC MINUTE /MO ${Math.max(1, Math.round(facts.everyMs / 60_000))}`;
  return `schtasks /Create /F /TN ${unitName(facts.queue)} ${when} /TR "${command}"`;
}
