/**
 * The job queues that people would use instead, each doing the same: keep `count` jobs, then take them one after another
 * and POST each. Installed into a directory of their own when first asked for; databases only where they are installed.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { timed } from './measure.mjs';
import { BODY, place } from './world.mjs';

const PACKAGES = ['plainjob@0.0.14', 'bullmq@^5.0.0', 'pg-boss@10.4.2', 'graphile-worker@^0.16.6'];

export async function peers({ send, write }) {
  const directory = place();
  const [notes, closers, adapters] = [[], [], []];
  const context = { send, write, directory, load: await install(directory), closers };
  for (const [name, make] of Object.entries({ plainjob, bullmq, postgres })) {
    try {
      adapters.push(...(await make(context)));
    } catch (error) {
      notes.push(`${name} was not measured: ${String(error.message).split('\n')[0].slice(0, 120)}`);
    }
  }
  const close = async () => {
    // Clients before their servers.
    for (const end of closers.reverse()) await Promise.resolve(end()).catch(() => undefined);
  };
  return { adapters, notes, close };
}

async function install(directory) {
  writeFileSync(join(directory, 'package.json'), '{"private":true}');
  const own = createRequire(import.meta.url);
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts', ...PACKAGES], {
    cwd: directory,
    stdio: 'ignore',
  });
  const require = createRequire(join(directory, 'x.js'));
  return async (name) => (name === 'better-sqlite3' ? own(name) : import(pathToFileURL(require.resolve(name)).href));
}

/** Runs until `done` was called `count` times. */
const untilDone = (count, begin) =>
  timed(async () => {
    await new Promise((resolve, reject) => {
      let left = count;
      begin(() => (left -= 1) === 0 && resolve(), reject);
    });
    return count;
  });

async function plainjob({ load, directory, send, write, closers }) {
  const { better, defineQueue, defineWorker } = await load('plainjob');
  const Database = await load('better-sqlite3');
  return ['NORMAL', 'FULL'].map((durability) => {
    const db = new Database(join(directory, `plainjob-${durability}.db`));
    const logger = { error() {}, warn() {}, info() {}, debug() {} };
    const queue = defineQueue({ connection: better(db), logger });
    db.pragma(`synchronous = ${durability}`);
    closers.push(() => queue.close());
    return {
      name: `plainjob (${durability})`,
      drain: async (count) => {
        for (let index = 0; index < count; index += 1) queue.add('send', { path: write(index).path, body: BODY });
        let worker;
        const sample = await untilDone(count, (done) => {
          const work = async ({ data }) => {
            const { path, body } = JSON.parse(data);
            await send(path, body);
          };
          worker = defineWorker('send', work, { queue, logger, pollIntervall: 5, onCompleted: done });
          void worker.start();
        });
        await worker.stop();
        return sample;
      },
    };
  });
}

async function bullmq({ load, directory, send, write, closers }) {
  const { Queue, Worker } = await load('bullmq');
  const port = await freePort();
  mkdirSync(join(directory, 'redis'));
  const flags = ['--port', String(port), '--bind', '127.0.0.1', '--dir', join(directory, 'redis'), '--save', ''];
  await service('redis-server', [...flags, '--appendonly', 'yes', '--appendfsync', 'always'], port, closers);
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
  const queue = new Queue('send', { connection });
  closers.push(() => queue.close());
  return [
    {
      name: 'bullmq (fsync always)',
      drain: async (count) => {
        await queue.addBulk(
          Array.from({ length: count }, (_, index) => ({
            name: 'send',
            data: { path: write(index).path, body: BODY },
          })),
        );
        let worker;
        const sample = await untilDone(count, (done) => {
          worker = new Worker('send', ({ data }) => send(data.path, data.body), { connection, concurrency: 1 });
          worker.on('completed', done);
        });
        await worker.close();
        return sample;
      },
    },
  ];
}

async function postgres(context) {
  const { directory, closers } = context;
  const bin = ['/usr/local/bin', ...versions('/usr/lib/postgresql')].find(
    (path) => existsSync(join(path, 'initdb')) && existsSync(join(path, 'postgres')),
  );
  if (bin === undefined) throw new Error('PostgreSQL is not installed');
  const data = join(directory, 'postgres');
  const port = await freePort();
  // PostgreSQL refuses to run as root.
  const asUser = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  if (asUser.uid !== undefined)
    execFileSync('sh', ['-c', `mkdir '${data}' && chown 65534:65534 '${data}' && chmod 711 '${directory}'`]);
  const env = { ...process.env, LC_ALL: 'C', HOME: data };
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8'], {
    ...asUser,
    env,
    stdio: 'pipe',
  });
  const flags = ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-k', data];
  await service(join(bin, 'postgres'), flags, port, closers, { ...asUser, env });
  const url = `postgres://bench@127.0.0.1:${port}/postgres`;
  return [await pgBoss(context, url), await graphile(context, url)];
}

async function pgBoss({ load, send, write, closers }, url) {
  const loaded = await load('pg-boss');
  const PgBoss = loaded.default ?? loaded.PgBoss;
  const boss = new PgBoss(url);
  boss.on('error', () => {});
  await boss.start();
  await boss.createQueue('send');
  closers.push(() => boss.stop({ graceful: false }));
  return {
    name: 'pg-boss',
    drain: async (count) => {
      await boss.insert(
        Array.from({ length: count }, (_, index) => ({ name: 'send', data: { path: write(index).path, body: BODY } })),
      );
      // Its own worker polls twice a second: taken by hand it is at its fastest.
      return timed(async () => {
        for (let left = count; left > 0; left -= 1) {
          const [job] = await boss.fetch('send', { batchSize: 1 });
          await send(job.data.path, job.data.body);
          await boss.complete('send', job.id);
        }
        return count;
      });
    },
  };
}

async function graphile({ load, send, write, closers }, url) {
  const { run, makeWorkerUtils, Logger } = await load('graphile-worker');
  const logger = new Logger(() => () => {});
  const utils = await makeWorkerUtils({ connectionString: url, logger });
  await utils.migrate();
  closers.push(() => utils.release());
  return {
    name: 'graphile-worker',
    drain: async (count) => {
      for (let index = 0; index < count; index += 1)
        await utils.addJob('send', { path: write(index).path, body: BODY });
      let runner;
      const sample = await untilDone(count, (done, fail) => {
        const taskList = {
          send: async ({ path, body }) => {
            await send(path, body);
            done();
          },
        };
        run({ connectionString: url, concurrency: 1, pollInterval: 50, noHandleSignals: true, taskList, logger }).then(
          (started) => (runner = started),
          fail,
        );
      });
      await runner.stop();
      return sample;
    },
  };
}

async function service(program, flags, port, closers, options = {}) {
  const child = spawn(program, flags, { stdio: 'ignore', ...options });
  const ended = new Promise((resolve, reject) => {
    child.on('error', () => reject(new Error(`${program} is not installed`)));
    child.on('exit', resolve);
  });
  closers.push(() => {
    child.kill('SIGINT');
    return ended;
  });
  await Promise.race([answers(port), ended.then(() => Promise.reject(new Error(`${program} ended at once`)))]);
}

async function answers(port) {
  const { connect } = await import('node:net');
  for (let round = 0; round < 200; round += 1) {
    const up = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.unref();
      setTimeout(() => socket.destroy(), 200).unref();
    });
    if (up) return new Promise((resolve) => setTimeout(resolve, 500));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing answers on port ${port}`);
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function versions(directory) {
  return existsSync(directory) ? readdirSync(directory).map((version) => join(directory, version, 'bin')) : [];
}
