/** How slow the machine is right now: bounds in tests are for an idle one, and other work runs beside the tests. */
import { spawn } from 'node:child_process';

/** How long a bare Node takes to start and end, ms: about 50 on an idle machine, and as much more as there is to wait for. */
export async function lagMs(): Promise<number> {
  const begun = performance.now();
  await new Promise((resolve) => spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }).on('exit', resolve));
  return performance.now() - begun;
}

/** `idleMs` on an idle machine, more on a busy one: twice what starting a bare Node takes just now comes on top. */
export async function within(idleMs: number): Promise<number> {
  return idleMs + 2 * (await lagMs());
}
