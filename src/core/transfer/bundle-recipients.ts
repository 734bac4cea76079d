/** Finds in a bundle the servers to which copies of its items must not go without asking a person. */
import { isTargetName } from '../config/target-shape.js';
import type { ArchivedTarget, Recipient } from '../store/archive.js';
import type { BundlePrologue } from './bundle-file.js';

/**
 * The servers that the bundle names as recipients, and the targets that its config marks as production. A target without a
 * note of deliveries is in doubt (`untold`).
 */
export function recipientsOf({ targets, config, recipients }: BundlePrologue): Recipient[] {
  const configured = targetsIn(config);
  const marked = configured.filter(({ production }) => production);
  return [
    ...(recipients ?? targets.flatMap((target) => recipientOf(target, configured))),
    ...marked.map(({ name, baseUrl }) => ({ baseUrl, target: name, why: 'production' as const })),
  ];
}

/** The recipient that a target of an older bundle stands for: it has no list of servers. */
function recipientOf(
  { name, boundTo, implicitBaseUrl, delivered }: ArchivedTarget,
  configured: readonly ConfiguredTarget[],
): Recipient[] {
  if (delivered === false) return [];
  const baseUrl = boundTo ?? implicitBaseUrl ?? configured.find((target) => target.name === name)?.baseUrl;
  return [{ baseUrl, target: name, why: delivered === true ? 'delivered' : 'untold' }];
}

interface ConfiguredTarget {
  name: string;
  baseUrl: string;
  production: boolean;
}

/** The config of a bundle is foreign and not checked: entries of another form are skipped. */
function targetsIn({ targets }: Record<string, unknown>): ConfiguredTarget[] {
  return Object.entries(Object(targets) as Record<string, unknown>).flatMap(([name, value]) => {
    const { baseUrl, production } = Object(value) as Record<string, unknown>;
    return typeof baseUrl === 'string' && URL.canParse(baseUrl) && isTargetName(name)
      ? [{ name, baseUrl, production: production === true }]
      : [];
  });
}
