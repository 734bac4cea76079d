import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { withLine, withoutLine } from '../../src/cli/schedule/crontab.js';
import { secretLines } from '../../src/cli/schedule/secrets.js';
import type { ScheduleFacts } from '../../src/cli/schedule/unit-texts.js';
import {
  crontabLine,
  launchdPlist,
  runUnits,
  schtasksLine,
  systemdQuote,
  unitName,
  watchUnit,
} from '../../src/cli/schedule/unit-texts.js';
import { runProcess } from '../support/process.js';
import { ROOT } from '../support/source-graph.js';
import { testHome } from '../support/temp.js';

const facts: ScheduleFacts = {
  node: '/usr/bin/node',
  program: '/opt/my apps/syncq/bin/run.js',
  config: '/etc/100%/syncq.json',
  queue: '/var/lib/it\'s "q"$HOME/field.db',
  path: '/usr/bin:/bin',
  secrets: [],
  secretsFile: '',
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

describe('a crontab', () => {
  const mine = 'MAILTO=me@example.org\n# a comment\n5 4 * * * /bin/true\n';
  const block = "# syncq schedule: /a b/q.db\n*/5 * * * * node run.js run --queue '/a b/q.db'\n";

  test.each([
    ['an empty one', '', block],
    ['one with other lines', mine, mine + block],
    ['one whose last line lacks its end', mine.trimEnd(), mine + block],
    ['one that has an older line of ours', `${block.replace('*/5', '0')}${mine}`, block + mine],
    ['one that has the same', mine + block, mine + block],
    ['one with a line for another queue', block.replaceAll('q.db', 'p.db'), block.replaceAll('q.db', 'p.db') + block],
    [
      'one where another command stands in its place',
      block.replace("b/q.db'", "b/p.db'"),
      block + block.split('\n')[1]!.replace("b/q.db'", "b/p.db'") + '\n',
    ],
    ['one where somebody took the command away', `# syncq schedule: /a b/q.db\n${mine}`, block + mine],
  ])('takes our line: %s', (_what, before, after) => {
    expect(withLine(before, '/a b/q.db', "*/5 * * * * node run.js run --queue '/a b/q.db'")).toBe(after);
  });

  test.each([
    ['between others', mine + block + mine, mine + mine],
    ['alone', block, ''],
    ['not there', mine, mine],
    ['without its command', `# syncq schedule: /a b/q.db\n${mine}`, mine],
  ])('lets go of our line: %s', (_what, before, after) => {
    expect(withoutLine(before, '/a b/q.db')).toBe(after);
  });
});

describe('syncq schedule', () => {
  const units = (): string => join(testHome().home, '.config', 'systemd', 'user');
  /** A systemctl that writes down what it is told, and a crontab that keeps its text in a file. */
  function systemctl(): { PATH: string; calls: () => string } {
    const { home } = testHome();
    const bin = join(home, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'systemctl'), `#!/bin/sh\necho "$@" >> '${home}/calls'\n`, { mode: 0o755 });
    const crontab = `#!/bin/sh
f='${home}/crontab'
case "$1" in
  -l) if [ -e "$f.broken" ]; then echo 'crontab: you are not allowed' >&2; exit 1; fi
      if [ -e "$f" ]; then cat "$f"; else echo 'no crontab for me' >&2; exit 1; fi ;;
  -r) rm "$f" ;;
  -) cat > "$f"; echo written >> '${home}/calls' ;;
  *) exit 2 ;;
esac
`;
    writeFileSync(join(bin, 'crontab'), crontab, { mode: 0o755 });
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

  test('refuses a path that would break its line', async () => {
    const result = await runProcess(['schedule', 'cron', '--queue', 'a\nb.db', '--json']);
    expect([result.code, result.stdout.includes('b.db holds a control character')]).toEqual([2, true]);
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

  test('leaves the service of another queue of the same name alone', async () => {
    const { PATH, calls } = systemctl();
    const [first, second] = ['a', 'b b'].map((name) => join(testHome().home, name, 'syncq.db'));
    const install = (queue = ''): ReturnType<typeof runProcess> =>
      runProcess(['schedule', 'watch', '--install', '--yes', '--json', '--queue', queue], { env: { PATH } });
    expect((await install(first)).json().files).toEqual([join(units(), 'syncq.service')]);
    const [other] = (await install(second)).json().files;
    expect(other).toMatch(/\/syncq-[0-9a-f]{8}\.service$/);
    expect((await install(second)).json().files).toEqual([other]);
    const config = join(testHome().home, 'secret.json');
    const targets = { api: { baseUrl: 'https://api.example.org', auth: { bearer: { env: 'SYNC_TOKEN' } } } };
    writeFileSync(config, JSON.stringify({ targets }), { mode: 0o600 });
    const secretsFile = async (queue = ''): Promise<string | undefined> =>
      /EnvironmentFile=(.*)/.exec(
        (await runProcess(['schedule', 'watch', '--config', config, '--queue', queue], { env: { PATH } })).stdout,
      )?.[1];
    expect(await secretsFile(first)).toMatch(/\/syncq\.env$/);
    expect(await secretsFile(second)).toMatch(/\/syncq-[0-9a-f]{8}\.env$/);
    expect(readFileSync(join(units(), 'syncq.service'), 'utf8')).toContain(` --queue ${first}`);
    await runProcess(['schedule', '--remove', '--yes', '--queue', second ?? ''], { env: { PATH } });
    expect(readdirSync(units())).toEqual(['syncq.service']);
    expect(calls()).not.toContain('disable --now syncq.service');
    await runProcess(['schedule', '--remove', '--yes', '--queue', first ?? ''], { env: { PATH } });
    expect(readdirSync(units())).toEqual([]);
  });

  test('can come before the queue, also one that was named, and is refused for a config with a mistake', async () => {
    const queue = join(testHome().home, 'not yet', 'q.db');
    const { stdout, code } = await runProcess(['schedule', 'watch', '--queue', queue]);
    expect([code, stdout.includes(` watch --queue "${queue}"`)]).toEqual([0, true]);
    const { PATH } = systemctl();
    const gone = await runProcess(['schedule', '--remove', '--yes', '--queue', queue], { env: { PATH } });
    expect([gone.code, gone.stderr]).toEqual([0, 'nothing to remove\n']);
    const config = join(testHome().home, 'broken.json');
    writeFileSync(config, '{', { mode: 0o600 });
    const broken = await runProcess(['schedule', 'watch', '--config', config, '--json']);
    expect([broken.code, broken.json().error.code]).toEqual([2, 'bad-config']);
  });

  test('puts its line into the crontab and takes it away, and touches no other', async () => {
    const { PATH, calls } = systemctl();
    const crontab = join(testHome().home, 'crontab');
    const others = '# mine\n5 4 * * * /bin/true\n';
    writeFileSync(crontab, others);
    const install = ['schedule', 'cron', '--install', '--yes', '--every', '15m'];
    const unsure = await runProcess(
      install.filter((word) => word !== '--yes'),
      { env: { PATH } },
    );
    expect([unsure.code, readFileSync(crontab, 'utf8')]).toEqual([2, others]);
    const installed = await runProcess(install, { env: { PATH } });
    expect([installed.code, installed.stderr]).toEqual([0, 'the line is in your crontab\n']);
    const { queue } = testHome();
    expect(readFileSync(crontab, 'utf8')).toBe(
      `${others}# syncq schedule: ${queue}\n*/15 * * * * ${process.execPath} ${join(ROOT, 'bin', 'run.js')} run --queue ${queue}\n`,
    );
    const again = await runProcess(install, { env: { PATH } });
    expect([again.stderr, calls()]).toEqual(['the line is in your crontab already\n', 'written\n']);
    const removed = await runProcess(['schedule', '--remove', '--yes'], { env: { PATH } });
    expect([removed.stderr, readFileSync(crontab, 'utf8')]).toEqual(['removed the line from your crontab\n', others]);
  });

  test('overwrites no crontab that it cannot read', async () => {
    const { PATH } = systemctl();
    const crontab = join(testHome().home, 'crontab');
    writeFileSync(`${crontab}.broken`, '');
    const { code, json } = await runProcess(['schedule', 'cron', '--install', '--yes', '--json'], { env: { PATH } });
    expect([code, json().error.code, existsSync(crontab)]).toEqual([6, 'unwritable', false]);
  });

  test('removes the crontab with its last line', async () => {
    const { PATH } = systemctl();
    await runProcess(['schedule', 'cron', '--install', '--yes'], { env: { PATH } });
    expect(existsSync(join(testHome().home, 'crontab'))).toBe(true);
    await runProcess(['schedule', '--remove', '--yes'], { env: { PATH } });
    expect(existsSync(join(testHome().home, 'crontab'))).toBe(false);
  });
});

describe('secrets from the environment', () => {
  const withSecret = { ...facts, secrets: ['SYNC_TOKEN'], secretsFile: '/home/kari/.config/syncq/100%.env' };

  test('are read by the units from a file that only the user may read', () => {
    for (const [unit] of [watchUnit(withSecret), runUnits(withSecret)]) {
      const { text = '' } = unit ?? {};
      expect(text).toContain('# One line each, for you alone (mode 0600): SYNC_TOKEN=...\n');
      expect(text).toContain('EnvironmentFile=/home/kari/.config/syncq/100%%.env\n');
    }
    expect(secretLines(withSecret, true)[0]).toContain('SYNC_TOKEN: write NAME=VALUE');
  });

  test('get a warning where nothing sets them, and nothing is said without any', () => {
    expect(secretLines(withSecret, false)[0]).toMatch(/^warning: SYNC_TOKEN will not be set there; .*"file"/);
    expect(secretLines({ ...withSecret, secrets: [] }, true)).toEqual([]);
    expect(watchUnit(facts)[0]?.text).not.toContain('EnvironmentFile');
  });
});
