/** Interleaved measuring: every round runs every variant once, so that what else the machine does hits all alike. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { clearInterval, setInterval } from 'node:timers';

/** What programs under measurement see: no slow parsing of extra certificates at start, no settings of the user's. */
export const ENV = Object.fromEntries(
  Object.entries(process.env)
    .filter(([name]) => !/^(NODE_|SYNCQ_)/.test(name))
    .concat([['NODE_ENV', 'production']]),
);

/**
 * @param variants name -> one slice of work; answers how many operations it did (default 1)
 * @returns name -> `{ wall, cpu }`, microseconds per operation, one entry a round; the first round warms up and is dropped
 */
export async function interleave(rounds, variants) {
  const samples = Object.fromEntries(Object.keys(variants).map((name) => [name, { wall: [], cpu: [] }]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, run] of Object.entries(variants)) {
      const sample = await slice(run);
      if (round === 0) continue;
      samples[name].wall.push(sample.wall);
      samples[name].cpu.push(sample.cpu);
    }
  }
  return samples;
}

/** A slice may answer `{ count, wall, cpu }` itself, when only a part of what it does is measured (microseconds). */
async function slice(run) {
  const [startedAt, cpuBefore, childBefore] = [performance.now(), process.cpuUsage(), childCpu()];
  const answer = await run();
  const { count = 1, ...own } = typeof answer === 'object' ? answer : { count: answer };
  const used = process.cpuUsage(cpuBefore);
  const wall = own.wall ?? (performance.now() - startedAt) * 1000;
  const cpu = own.cpu ?? used.user + used.system + childCpu() - childBefore;
  return { wall: wall / count, cpu: cpu / count };
}

/** Processor time of children that ended, microseconds, in steps of 10 ms: good in sum, not for one. Linux only. */
function childCpu() {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
    return (Number(fields[13]) + Number(fields[14])) * 10_000;
  } catch {
    return 0;
  }
}

/** Measures a part of a slice. */
export async function timed(run) {
  const [startedAt, before] = [performance.now(), process.cpuUsage()];
  const count = await run();
  const { user, system } = process.cpuUsage(before);
  return { count, wall: (performance.now() - startedAt) * 1000, cpu: user + system };
}

/** Runs a program to its end; answers its output and the most memory it had, MB. */
export function program(argv, { stdin } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), { env: ENV, stdio: [stdin ?? 'ignore', 'pipe', 'pipe'] });
    let [stdout, stderr, peak] = ['', '', 0];
    child.stdout.on('data', (data) => (stdout += data));
    child.stderr.on('data', (data) => (stderr += data));
    const look = () => (peak = Math.max(peak, peakMemory(child.pid)));
    const timer = setInterval(look, 100);
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(timer);
      if (code === 0) resolve({ stdout, peak });
      else reject(new Error(`${argv.slice(0, 4).join(' ')} ended with ${code}: ${stderr.slice(0, 300)}`));
    });
  });
}

function peakMemory(pid) {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

export function median(values) {
  return quantile(values, 0.5);
}

export function quantile(values, at) {
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * at;
  const [low, high] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]];
  return low + (high - low) * (position - Math.floor(position));
}

/** `a / b` round by round: median and quartiles. */
export function ratioOf(a, b) {
  const ratios = a.map((value, round) => value / b[round]);
  return { median: median(ratios), low: quantile(ratios, 0.25), high: quantile(ratios, 0.75) };
}
