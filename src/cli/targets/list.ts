/** Joins what the config and the queue know about targets, by name. */
import type { Config } from '../../core/nouns/config.js';
import type { StatusReport } from '../../core/index.js';
import { defaultTarget } from '../../core/input/choose-target.js';
import type { ShownTarget } from '../../render/target.js';

/** @param implicit base URLs of targets made from absolute URLs, by name */
export function listTargets(
  config: Config,
  report: StatusReport,
  implicit: ReadonlyMap<string, string | undefined>,
): ShownTarget[] {
  const usual = defaultTarget({ targets: config.targets, defaultTarget: config.defaultTarget });
  const inQueue = new Map(report.targets.map((target) => [target.name, target]));
  const names = new Set([...config.targets.keys(), ...inQueue.keys()]);
  return [...names].sort().map((name): ShownTarget => {
    const configured = config.targets.get(name);
    const known = inQueue.get(name);
    const implicitBaseUrl = implicit.get(name);
    return {
      name,
      baseUrl: configured?.baseUrl ?? implicitBaseUrl,
      isDefault: name === usual,
      origin: configured !== undefined ? 'config' : implicitBaseUrl === undefined ? 'missing' : 'implicit',
      state: known?.state ?? 'untried',
      since: known?.since,
      until: known?.until,
      reason: known?.reason,
      pending: (known?.pending ?? 0) + (known?.sending ?? 0),
      review: known?.review ?? 0,
    };
  });
}
