/**
 * Exports, imports and replays a queue of N items (default 100,000) with the built program, and prints what each step took
 * in time and memory. `npm run build && node bench/transfer.mjs [N]`; the replay goes to a rehearsal server.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../bin/run.js', import.meta.url));
const count = Number(process.argv[2] ?? 100_000);
const directory = mkdtempSync(join(tmpdir(), 'syncq-bench-'));
const env = { ...process.env, HOME: directory, XDG_DATA_HOME: join(directory, 'data'), NO_COLOR: '1' };

function start(argv) {
  return spawn(process.execPath, [PROGRAM, ...argv], { env, cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Highest resident memory in MiB, as the kernel counts it; read while the program lives. */
function peakOf(pid) {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

async function run(name, argv) {
  const started = performance.now();
  const child = start(argv);
  let [out, err, peak] = ['', '', 0];
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  const code = await new Promise((resolve) => {
    const look = () => {
      if (child.exitCode !== null) return;
      peak = Math.max(peak, peakOf(child.pid));
      setTimeout(look, 50);
    };
    look();
    child.on('close', resolve);
  });
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${name.padEnd(16)} exit ${code}  ${seconds.toFixed(1).padStart(6)} s  ${Math.round(count / seconds)
      .toString()
      .padStart(7)} items/s  peak ${Math.round(peak)} MiB`,
  );
  if (code !== 0 || out === '') console.log(err.slice(0, 500), out.slice(0, 500));
  return out;
}

function lines() {
  const path = join(directory, 'items.ndjson');
  const file = openSync(path, 'w');
  for (let from = 0; from < count; from += 1000) {
    const block = Array.from({ length: Math.min(1000, count - from) }, (_unused, at) => {
      const n = from + at;
      const payload = {
        name: `Person ${n}`,
        phone: String(40_000_000 + n),
        note: 'x'.repeat(200),
        nested: { email: `p${n}@example.org` },
      };
      return JSON.stringify({
        method: 'POST',
        path: `/person/${40_000_000 + n}`,
        entity: `person/${n % 5000}`,
        payload,
      });
    });
    writeSync(file, `${block.join('\n')}\n`);
  }
  closeSync(file);
  return path;
}

const config = join(directory, 'config.json');
const rehearsal = start(['rehearse', '--json', '--script', '201']);
try {
  const url = await new Promise((resolve) => {
    rehearsal.stdout.on('data', (chunk) => {
      const found = /"url":"([^"]+)"/.exec(String(chunk));
      if (found !== null) resolve(found[1]);
    });
  });
  const targets = { production: { baseUrl: 'https://api.example.org' }, staging: { baseUrl: url } };
  writeFileSync(
    config,
    JSON.stringify({ defaultTarget: 'production', targets, sensitive: ['phone', 'email', 'name'] }),
    { mode: 0o600 },
  );
  const here = ['--config', config, '--queue', join(directory, 'a.db')];
  const there = ['--config', config, '--queue', join(directory, 'b.db')];
  const bundle = join(directory, 'a.bundle');
  console.log(`${count} items`);
  await run('enqueue --from', ['enqueue', '--from', lines(), '--json', ...here]);
  await run('export', ['export', '-o', bundle, '--json', ...here]);
  console.log(`                 bundle of ${Math.round(statSync(bundle).size / 1024 / 1024)} MiB`);
  await run('export --redact', ['export', '--redact', '-o', join(directory, 'r.bundle'), '--json', ...here]);
  await run('import', ['import', bundle, '--as-paused', '--json', ...there]);
  await run('import again', ['import', bundle, '--json', ...there]);
  const replayed = await run('replay', [
    'replay',
    '--to',
    'staging',
    '--all',
    '--concurrency',
    '8',
    '--report',
    join(directory, 'r.html'),
    '--json',
    ...there,
  ]);
  const { sent, same } = JSON.parse(replayed);
  console.log(
    `                 ${sent} sent, ${same} as expected, HTML report of ${Math.round(statSync(join(directory, 'r.html')).size / 1024)} KiB`,
  );
} finally {
  rehearsal.kill('SIGTERM');
  rmSync(directory, { recursive: true, force: true });
}
