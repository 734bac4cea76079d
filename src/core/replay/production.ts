/** Refuses to replay to servers that have, or may have, the originals. */
import type { Config } from '../nouns/config.js';
import { QueueError } from '../nouns/errors.js';
import { serverOf } from '../check/origin.js';
import type { Recipient } from '../store/archive.js';
import type { TargetConfig } from '../nouns/target.js';

/** Certain reasons come before possible ones. */
const SUREST_FIRST: readonly Recipient['why'][] = ['delivered', 'production', 'untold'];

/**
 * Refuses a target marked as production, one with the same address as a marked one, and every server that has or may
 * have items of this queue, whatever its name or the spelling of its URL.
 *
 * @throws {QueueError} code 'confirm-needed'
 */
export function refuseProduction(target: TargetConfig, recipients: readonly Recipient[], config: Config): void {
  if (target.production) refuse(`the target ${target.name} is marked as production`);
  const asked = serverOf(target.baseUrl);
  for (const { name, baseUrl, production } of config.targets.values()) {
    if (production && serverOf(baseUrl) === asked)
      refuse(`${originOf(baseUrl)} (target ${name}) is marked as production${alias(baseUrl, target)}`);
  }
  for (const why of SUREST_FIRST) {
    for (const recipient of recipients) {
      const baseUrl = recipient.baseUrl ?? config.targets.get(recipient.target)?.baseUrl;
      if (recipient.why !== why || baseUrl === undefined || serverOf(baseUrl) !== asked) continue;
      refuse(sentence(why, `${originOf(baseUrl)} (target ${recipient.target})`) + alias(baseUrl, target));
    }
  }
}

function sentence(why: Recipient['why'], where: string): string {
  switch (why) {
    case 'delivered':
      return `items of this queue were delivered to ${where}`;
    case 'production':
      return `${where} is marked as production where items of this queue were imported from`;
    case 'untold':
      return `items were imported without a note of whether some had been delivered to ${where}`;
  }
}

/** Explains that another spelling means the same server. */
function alias(known: string, { baseUrl }: TargetConfig): string {
  const [meant, asked] = [originOf(known), originOf(baseUrl)];
  return meant === asked ? '' : `, and ${asked} is the same server`;
}

function originOf(url: string): string {
  return new URL(url).origin;
}

function refuse(why: string): never {
  throw new QueueError('confirm-needed', `${why}; nothing was sent`, {
    hint: 'if you mean it, say so with --allow-production',
  });
}
