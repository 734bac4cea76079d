import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import type { ScheduleFacts } from '../../src/cli/schedule-texts.js';
import {
  crontabLine,
  launchdPlist,
  runUnits,
  schtasksLine,
  systemdQuote,
  unitName,
  watchUnit,
} from '../../src/cli/schedule-texts.js';
import { runProcess } from '../support/process.js';
import { testHome } from '../support/temp.js';

const facts: ScheduleFacts = {
  node: '/usr/bin/node',
  program: '/opt/my apps/syncq/bin/run.js',
  config: '/etc/100%/syncq.json',
  queue: '/var/lib/it\'s "q"$HOME/field.db',
  path: '/usr/bin:/bin',
  everyMs: 300_000,
};

describe('the texts', () => {
  test('quote for systemd what it would expand or split', () => {
    const [{ text, name } = { text: '', name: '' }] = watchUnit(facts);
    expect(name).toBe('syncq-field.service');
    expect(text).toContain(
      'ExecStart=/usr/bin/node "/opt/my apps/syncq/bin/run.js" watch --queue "/var/lib/it\'s \\"q\\"$$HOME/field.db" --config /etc/100%%/syncq.json',
    );
    for (const line of [
      'Type=notify',
      'NotifyAccess=all',
      'SuccessExitStatus=3 4 130 143',
      'Restart=on-failure',
      'NoNewPrivileges=yes',
      'StartLimitIntervalSec=0',
    ])
      expect(text.split('\n')).toContain(line);
  });

  test('make a timer that starts a run that is allowed to say "later"', () => {
    const [service, timer] = runUnits(facts);
    expect(service?.name).toBe('syncq-field-run.service');
    expect(service?.text).toContain('Type=oneshot');
    expect(service?.text).toContain('SuccessExitStatus=3 4 130 143');
    expect(timer?.name).toBe('syncq-field-run.timer');
    expect(timer?.text).toContain('OnUnitInactiveSec=300s');
  });

  test.each([
    [60_000, '* * * * * '],
    [300_000, '*/5 * * * * '],
    [3_600_000, '0 * * * * '],
    [7_200_000, '0 */2 * * * '],
    [86_400_000, '0 0 * * * '],
    [420_000, undefined],
    [30_000, undefined],
  ])('give cron a period of %i ms', (everyMs, start) => {
    const line = crontabLine({ ...facts, everyMs });
    expect(line?.slice(0, start?.length)).toBe(start);
  });

  test('quote for cron: the shell, and the percent sign that ends its line', () => {
    expect(crontabLine(facts)).toBe(
      `*/5 * * * * /usr/bin/node '/opt/my apps/syncq/bin/run.js' run --queue '/var/lib/it'\\''s "q"$HOME/field.db' --config /etc/100\\%/syncq.json`,
    );
  });

  test('escape for launchd and Windows', () => {
    expect(launchdPlist({ ...facts, queue: '/a&b/<q>.db' }, 'watch').text).toContain(
      '<string>/a&amp;b/&lt;q&gt;.db</string>',
    );
    expect(launchdPlist(facts, 'run').text).toContain('<integer>300</integer>');
    expect(schtasksLine({ ...facts, queue: 'C:\\q.db' }, 'run')).toContain('/SC MINUTE /MO 5 /TR "\\"/usr/bin/node\\"');
  });

  test.each([
    ['/a/syncq.db', 'syncq'],
    ['/a/field work.db', 'syncq-field-work'],
    ['C:\\x\\q.db', 'syncq-q'],
  ])('name the unit of %s %s', (queue, name) => {
    expect(unitName(queue)).toBe(name);
  });

  test('leave plain words plain', () => {
    expect(systemdQuote('/usr/bin/node')).toBe('/usr/bin/node');
  });
});

describe('syncq schedule', () => {
  const units = (): string => join(testHome().home, '.config', 'systemd', 'user');
  /** A systemctl that writes down what it is told. */
  function systemctl(): { PATH: string; calls: () => string } {
    const { home } = testHome();
    const bin = join(home, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'systemctl'), `#!/bin/sh\necho "$@" >> '${home}/calls'\n`, { mode: 0o755 });
    return { PATH: `${bin}:/usr/bin:/bin`, calls: () => readFileSync(join(home, 'calls'), 'utf8') };
  }

  test('prints and changes nothing', async () => {
    const { stdout, code } = await runProcess(['schedule', 'watch']);
    expect(code).toBe(0);
    expect(stdout).toContain(`ExecStart=${process.execPath} `);
    expect(stdout).toContain(` watch --queue ${testHome().queue}`);
    expect(existsSync(units())).toBe(false);
    expect(existsSync(testHome().queue)).toBe(false);
  });

  test('installs only when told twice, and removes what it installed', async () => {
    const { PATH, calls } = systemctl();
    const unsure = await runProcess(['schedule', 'watch', '--install', '--json'], { env: { PATH } });
    expect([unsure.code, unsure.json().error.code]).toEqual([2, 'confirm-needed']);
    expect(existsSync(units())).toBe(false);
    const installed = await runProcess(['schedule', 'watch', '--install', '--yes'], { env: { PATH } });
    expect([installed.code, installed.stderr.split('\n')[0]]).toEqual([0, `wrote ${join(units(), 'syncq.service')}`]);
    expect(calls()).toBe('--user daemon-reload\n--user enable --now syncq.service\n');
    const removed = await runProcess(['schedule', '--remove', '--yes', '--json'], { env: { PATH } });
    expect(removed.json()).toMatchObject({ removed: true, files: [join(units(), 'syncq.service')], problem: null });
    expect(readdirSync(units())).toEqual([]);
    expect(calls()).toContain('--user disable --now syncq.service\n');
  });

  test('touches no unit that it did not write', async () => {
    const { PATH } = systemctl();
    mkdirSync(units(), { recursive: true });
    writeFileSync(join(units(), 'syncq.service'), '[Service]\n');
    for (const flag of ['--install', '--remove']) {
      const { code, stderr } = await runProcess(['schedule', 'watch', flag, '--yes'], { env: { PATH } });
      expect(code).toBe(6);
      expect(stderr).toContain('was not made by syncq schedule');
    }
    expect(readFileSync(join(units(), 'syncq.service'), 'utf8')).toBe('[Service]\n');
  });
});
