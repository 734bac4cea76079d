/** Reads out of a bundle's second line which servers copies of its items must not go to unasked. */
import { isTargetName } from '../config/target-shape.js';
import type { ArchivedTarget, Recipient } from '../store/archive.js';
import type { BundlePrologue } from './bundle-file.js';

/**
 * What the bundle says of deliveries, and the targets that its config marks as production. A target that does not say
 * whether anything was delivered to it is in doubt.
 */
export function recipientsOf({ targets, config, recipients }: BundlePrologue): Recipient[] {
  const configured = targetsIn(config);
  const marked = configured.filter(({ production }) => production);
  return [
    ...(recipients ?? targets.flatMap((target) => recipientOf(target, configured))),
    ...marked.map(({ name, baseUrl }) => ({ baseUrl, target: name, why: 'production' as const })),
  ];
}

/** Of a bundle that was made before deliveries were listed by server. */
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

/** The config of a bundle is for people, and foreign: what is not as expected says nothing. */
function targetsIn({ targets }: Record<string, unknown>): ConfiguredTarget[] {
  return Object.entries(Object(targets) as Record<string, unknown>).flatMap(([name, value]) => {
    const { baseUrl, production } = Object(value) as Record<string, unknown>;
    return typeof baseUrl === 'string' && URL.canParse(baseUrl) && isTargetName(name)
      ? [{ name, baseUrl, production: production === true }]
      : [];
  });
}
