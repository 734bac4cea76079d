/** Tests a target without sending an item: can the credential be fetched, does the server answer and accept it? */
import { systemClock } from '../../core/nouns/clock.js';
import type { Config } from '../../core/nouns/config.js';
import { secretNames } from '../../core/config/secret-names.js';
import { implicitTarget } from '../../core/config/target-shape.js';
import { QueueError, VERSION } from '../../core/index.js';
import { createCredentials } from '../../core/send/credential.js';
import { prepareTransport } from '../../core/send/dispatcher.js';
import { probe } from '../../core/send/probe.js';
import type { ProbeResult } from '../../core/send/result.js';
import type { TargetConfig } from '../../core/nouns/target.js';
import { environment } from '../program/environment.js';

export { doubtfulRules } from '../../core/policy/outcome-rules.js';

/** Never rejects; the result says what is wrong. */
export async function probeTarget(
  target: TargetConfig,
  config: Pick<Config, 'targets'>,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const env = environment();
  const started = systemClock.monotonic();
  const credential = await createCredentials(target, { clock: systemClock, env, secretEnv: secretNames(config) }).get();
  if (!credential.ok) {
    return {
      kind: 'misconfigured',
      code: credential.code,
      message: credential.message,
      durationMs: systemClock.monotonic() - started,
    };
  }
  const transport = await prepareTransport(target, { env, clock: systemClock });
  try {
    const asPerson = { mode: 'request', credential: target.implicit ? undefined : credential.header } as const;
    return await probe(target, transport, { clock: systemClock, version: VERSION, signal }, asPerson);
  } finally {
    if (transport.kind !== 'broken') await transport.close();
  }
}

/**
 * Finds a target by its name. The address of an implicit target is its name, unless the queue has another.
 *
 * @throws {QueueError} code 'unknown-target'
 */
export function knownTarget(config: Config, name: string, implicitBaseUrl?: string): TargetConfig {
  const target = config.targets.get(name);
  if (target !== undefined) return target;
  if (implicitBaseUrl !== undefined) return implicitTarget(implicitBaseUrl);
  const known = [...config.targets.keys()];
  throw new QueueError(
    'unknown-target',
    `there is no target ${name} in ${config.source ?? 'the config: none was found'}`,
    {
      hint: known.length === 0 ? 'Add it: syncq target add NAME URL' : `Known: ${known.join(', ')}.`,
    },
  );
}
