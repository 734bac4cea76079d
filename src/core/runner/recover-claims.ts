/** Settles what a runner left in state `sending` when it died, for a command that wants to change such items. */
import { runnerIdentity } from '../nouns/host.js';
import { Channels } from './channels.js';
import type { SendingDeps } from './sending.js';

const BATCH = 100;

/** False when another runner has the right to send. */
export async function recoverClaims({ store, config, env, version, clock, random }: SendingDeps): Promise<boolean> {
  const channels = new Channels(config, { env, clock, version }, random);
  const session = await store.acquire(runnerIdentity('drain'), channels.policy(), clock.now());
  if ('heldBy' in session) return false;
  try {
    while ((await session.recover(BATCH, clock.now())).more);
  } finally {
    await session.end(undefined);
  }
  return true;
}
