/** To which servers `replay` sends nothing unasked: through the commands, from one queue to another. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { loadSqlite } from '../../src/core/store/sqlite/file/driver.js';
import { runCli } from '../support/cli.js';
import { startServer, type RestServer } from '../support/rest-server.js';
import { tempDirectory } from '../support/temp.js';

interface Place {
  /** `--queue` and `--config`. */
  common: string[];
  /** Writes the config anew. */
  configure: (targets: Record<string, unknown>) => void;
  queue: string;
}

function place(targets: Record<string, unknown>): Place {
  const directory = tempDirectory();
  const [config, queue] = [join(directory, 'config.json'), join(directory, 'queue.db')];
  const configure = (anew: Record<string, unknown>): void =>
    writeFileSync(config, JSON.stringify({ defaultTarget: 'production', targets: anew, sensitive: ['phone'] }), {
      mode: 0o600,
    });
  configure(targets);
  return { common: ['--queue', queue, '--config', config], configure, queue };
}

async function deliver({ common }: Place, path: string, ...more: string[]): Promise<void> {
  await runCli('enqueue', 'POST', path, '-d', '{"phone":"91234567"}', ...more, ...common);
  expect((await runCli('run', ...common)).code).toBe(0);
}

/** The refusal's sentence, or how many requests would be sent. */
async function ask({ common }: Place, to: string): Promise<unknown> {
  const { json } = await runCli('replay', '--to', to, '--all', '--dry-run', '--json', ...common);
  return json().error?.message ?? json().count;
}

const refused = ({ url }: RestServer, target = 'production'): string =>
  `items of this queue were delivered to ${url} (target ${target}); nothing was sent`;

describe('where items of this queue went', () => {
  test.each([
    ['run alone finds the new base URL', []],
    ['a person accepts it', ['target', 'accept', 'production']],
  ])('is refused for ever: %s', async (_name, command) => {
    const [old, moved] = [await startServer(), await startServer()];
    const here = place({ production: { baseUrl: old.url } });
    await deliver(here, '/one');
    expect(await ask(here, old.url)).toBe(refused(old));
    here.configure({ production: { baseUrl: moved.url } });
    if (command.length > 0) expect((await runCli(...command, ...here.common)).code).toBe(0);
    await deliver(here, '/two');
    expect(moved.requests).toHaveLength(1);
    expect(await ask(here, old.url)).toBe(refused(old));
    expect(await ask(here, moved.url)).toBe(refused(moved));
    const { stdout } = await runCli('history', ...here.common);
    expect(stdout).toContain(`production (it was ${old.url})`);
  });

  test.each(['localhost', '[::1]', '[::ffff:127.0.0.1]', '127.9.9.9', 'localhost.'])(
    'is refused as %s, too',
    async (host) => {
      const server = await startServer();
      const url = server.url.replace('127.0.0.1', host);
      const here = place({ production: { baseUrl: server.url }, alias: { baseUrl: url, insecureHttp: true } });
      await deliver(here, '/one');
      for (const to of [url, 'alias']) expect(await ask(here, to)).toMatch(/were delivered to .* is the same server/);
    },
  );
});

describe('a redacted bundle of a queue with production and staging', () => {
  async function imported(
    more: Record<string, unknown> = {},
    argv: string[] = [],
  ): Promise<{ there: Place; here: Place; production: RestServer; staging: RestServer; bundle: string }> {
    const [production, staging] = [await startServer(), await startServer()];
    const targets = { production: { baseUrl: production.url }, staging: { baseUrl: staging.url, ...more } };
    const [there, here] = [place(targets), place({ ...targets, staging: { baseUrl: staging.url } })];
    await deliver(there, '/one');
    const bundle = join(tempDirectory(), 'red.bundle');
    await runCli('enqueue', 'POST', '/open', '--target', 'staging', '--delay', '1h', ...there.common);
    await runCli('export', '--redact', '-o', bundle, ...argv, ...there.common);
    expect((await runCli('import', bundle, ...here.common)).code).toBe(0);
    await runCli('run', ...here.common);
    return { there, here, production, staging, bundle };
  }

  test('is replayed to staging, which only was bound, and not to production', async () => {
    const { here, production, staging } = await imported();
    expect(await ask(here, 'production')).toBe(refused(production));
    const { code, json } = await runCli('replay', '--to', 'staging', '--all', '--json', ...here.common);
    expect([code, json().sent]).toEqual([0, 2]);
    expect(staging.requests.map(({ path }) => path)).toEqual(['/one', '/open']);
  });

  test('that holds only what is open still knows what was delivered, also after it moved on once more', async () => {
    const { here, production } = await imported({}, ['--state', 'pending']);
    expect(await ask(here, 'production')).toBe(refused(production));
    const bundle = join(tempDirectory(), 'again.bundle');
    await runCli('export', '-o', bundle, ...here.common);
    const third = place({ production: { baseUrl: production.url.replace('127.0.0.1', 'localhost') } });
    await runCli('import', bundle, ...third.common);
    expect(await ask(third, 'production')).toContain(`were delivered to ${production.url} (target production), and`);
  });

  test('brings along which targets are marked as production', async () => {
    const { here } = await imported({ production: true });
    expect(await ask(here, 'staging')).toMatch(/\(target staging\) is marked as production where items of this queue/);
  });

  test('that was imported before recipients were noted leaves bound targets in doubt, and says so', async () => {
    const { here, staging } = await imported();
    const db = new (loadSqlite())(here.queue);
    db.exec(`UPDATE history SET detail = json_remove(detail, '$.recipients') WHERE event = 'imported'`);
    db.close();
    expect(await ask(here, 'staging')).toBe(
      `items were imported without a note of whether some had been delivered to ${staging.url} (target staging); nothing was sent`,
    );
  });
});
