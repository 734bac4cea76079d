/**
 * Tries `watch` on a real network that comes and goes: three network namespaces joined by veth cables (client, router,
 * server). Measures the time from the network's return to the first delivery, and connection attempts meanwhile.
 *
 *   npm run build && node scripts/netns-check.mjs [--fault link|beyond|drop|server] [--rounds 20] [--outage 60] [--json]
 *
 * link: the client's own interface goes down; beyond: the cable behind the router is pulled; drop: the router drops
 * every packet without a word; server: the server process is down. Outage in seconds, up to --spread more by chance;
 * --calm seconds without traffic before it (under 5, a request may be caught under way).
 * Ends with 77 and a reason where no namespace may be made.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const SELF = fileURLToPath(import.meta.url);
const ROOT = process.env.SYNCQ_ROOT ?? fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    fault: { type: 'string', default: 'link' },
    rounds: { type: 'string', default: '20' },
    outage: { type: 'string', default: '5' },
    spread: { type: 'string', default: '10' },
    calm: { type: 'string', default: '6' },
    json: { type: 'boolean', default: false },
    serve: { type: 'string' },
  },
});

/** In containers, /proc/sys is often read-only. */
const FORWARD = 'echo 1 > /proc/sys/net/ipv4/ip_forward';
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

if (values.serve !== undefined) await serve();
else if (process.env.SYNCQ_NETNS !== '1') enter();
else await main();

/** Runs this script again as root of a fresh user and network namespace (or network namespace only, for root). */
function enter() {
  const flags = ['-rn', '-n'].find(
    (flag) => spawnSync('unshare', [flag, 'sh', '-ec', `ip link add x type veth; ${FORWARD}`]).status === 0,
  );
  if (flags === undefined) {
    console.log('skipped: no permission to make a network namespace with a veth cable and a router');
    process.exitCode = 77;
    return;
  }
  const argv = [flags, process.execPath, SELF, ...process.argv.slice(2)];
  const ended = spawnSync('unshare', argv, { stdio: 'inherit', env: { ...process.env, SYNCQ_NETNS: '1' } });
  process.exitCode = ended.status ?? 1;
}

/** The server in its namespace: one line of JSON a request. */
async function serve() {
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => {
    console.log(JSON.stringify({ at: Date.now(), path: request.url }));
    request.resume().on('end', () => response.writeHead(200).end('{}'));
  });
  server.listen(8080, '10.77.2.2', () => console.log(JSON.stringify({ at: Date.now(), up: true })));
}

function sh(line, namespace) {
  const argv =
    namespace === undefined ? ['sh', '-ec', line] : ['nsenter', '-t', String(namespace), '-n', 'sh', '-ec', line];
  const { status, stderr } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${line}: ${stderr}`);
}

/** A namespace lives as long as a process in it. */
function namespace() {
  const holder = spawn('unshare', ['-n', 'sleep', '86400'], { stdio: 'ignore' });
  return holder;
}

async function main() {
  const [router, host] = [namespace(), namespace()];
  const children = [router, host];
  const directory = mkdtempSync(join(tmpdir(), 'syncq-netns-'));
  const requests = [];
  let up = 0;
  const startServer = async () => {
    const before = up;
    const server = spawn('nsenter', ['-t', String(host.pid), '-n', process.execPath, SELF, '--serve', '1'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(server);
    let rest = '';
    server.stdout.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines.map((each) => JSON.parse(each))) {
        if (line.up) up = line.at;
        else requests.push(line);
      }
    });
    while (up === before) await pause(5);
    return server;
  };
  try {
    await pause(200);
    sh(`ip link set lo up
      ip link add c0 type veth peer name r0
      ip link set r0 netns ${router.pid}
      ip addr add 10.77.1.2/24 dev c0; ip link set c0 up`);
    sh(
      `ip addr add 10.77.1.1/24 dev r0; ip link set r0 up
      ip link add r1 type veth peer name s0
      ip link set s0 netns ${host.pid}
      ip addr add 10.77.2.1/24 dev r1; ip link set r1 up
      ${FORWARD}`,
      router.pid,
    );
    sh(
      'ip addr add 10.77.2.2/24 dev s0; ip link set s0 up; ip link set lo up; ip route add default via 10.77.2.1',
      host.pid,
    );
    sh('ip route add 10.77.2.0/24 via 10.77.1.1');
    let server = await startServer();
    const faults = {
      link: {
        cut: () => sh('ip link set c0 down'),
        // As a network manager does when the carrier is back: the interface, then its routes.
        mend: () => sh('ip link set c0 up; ip route replace 10.77.2.0/24 via 10.77.1.1'),
      },
      beyond: {
        cut: () => sh('ip link set r1 down', router.pid),
        mend: () => sh('ip link set r1 up', router.pid),
      },
      drop: {
        cut: () => sh('ip route add blackhole 10.77.2.2/32', router.pid),
        mend: () => sh('ip route del blackhole 10.77.2.2/32', router.pid),
      },
      server: {
        cut: async () => {
          const gone = new Promise((resolve) => server.on('exit', resolve));
          server.kill('SIGKILL');
          await gone;
        },
        mend: async () => void (server = await startServer()),
      },
    };
    await measure(faults[values.fault], directory, requests, children, () => up);
  } finally {
    for (const child of children) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(fault, directory, requests, children, upAt) {
  const { openQueue } = await import(join(ROOT, 'dist/core/index.js'));
  const targets = { api: { baseUrl: 'http://10.77.2.2:8080', insecureHttp: true } };
  const [file, config] = [join(directory, 'q.db'), join(directory, 'syncq.json')];
  writeFileSync(config, JSON.stringify({ targets }), { mode: 0o600 });
  const queue = await openQueue({ queue: file, config: { targets } });
  const enqueue = (path) =>
    queue.enqueue({ method: 'POST', path, json: { path }, entity: { type: 'x', id: path.slice(1) } });
  const watch = spawn(
    process.execPath,
    [join(ROOT, 'bin/run.js'), 'watch', '--json', '--quiet', '--queue', file, '--config', config],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  watch.stdout.resume();
  watch.on('exit', (code, signal) => {
    if (signal !== 'SIGKILL') throw new Error(`watch ended with ${code ?? signal}`);
  });
  children.push(watch);
  await enqueue('/first');
  while (requests.length === 0) await pause(20);
  const opened = () =>
    Number(
      readFileSync('/proc/net/snmp', 'utf8')
        .match(/^Tcp: (\d.*)$/m)[1]
        .split(' ')[4],
    );
  const delays = [];
  let mostInASecond = 0;
  for (let round = 0; round < Number(values.rounds); round += 1) {
    // Longer than an idle connection is kept: nothing is under way when the network goes.
    await pause(Number(values.calm) * 1000);
    await fault.cut();
    await enqueue(`/round-${round}`);
    const end = Date.now() + (Number(values.outage) + Math.random() * Number(values.spread)) * 1000;
    const counts = [];
    while (Date.now() < end) {
      const now = performance.now();
      counts.push({ now, opened: opened() });
      while (counts[0].now < now - 1000) counts.shift();
      mostInASecond = Math.max(mostInASecond, counts.at(-1).opened - counts[0].opened);
      await pause(Math.min(100, Math.max(0, end - Date.now())));
    }
    const before = requests.length;
    const cutAt = Date.now();
    await fault.mend();
    const mended = values.fault === 'server' ? upAt() : Date.now();
    const deadline = cutAt + 60_000;
    while (requests.length === before && Date.now() < deadline) await pause(2);
    delays.push(requests.length === before ? Infinity : Math.max(0, requests[before].at - mended));
    if (!values.json) console.log(`round ${round}: ${delays.at(-1)} ms`);
    while ((await queue.status()).counts.pending + (await queue.status()).counts.sending > 0 && Date.now() < deadline)
      await pause(20);
  }
  const status = await queue.status();
  const { items } = await queue.list({});
  const details = (await queue.inspect(items.map(({ id }) => id))).items;
  const counted = details.flatMap(({ attempts }) => attempts).filter((attempt) => attempt.counted).length;
  await queue.close();
  delays.sort((a, b) => a - b);
  const at = (q) => delays[Math.min(delays.length - 1, Math.ceil(delays.length * q) - 1)];
  const result = {
    fault: values.fault,
    rounds: delays.length,
    outageSeconds: Number(values.outage),
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    mostMs: at(1),
    connectionsInASecond: mostInASecond,
    counted,
    review: status.counts.review,
    delivered: status.counts.completed,
    requests: requests.length,
  };
  console.log(JSON.stringify(result));
}
