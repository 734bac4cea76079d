/** The question and the answer of `prune`. */
import type { Config } from '../../core/nouns/config.js';
import type { Actor, PruneReport, Queue } from '../../core/index.js';
import type { JsonObject } from '../../render/json.js';
import { confirmed } from '../program/confirm.js';
import { countWords, refuseUsage } from '../program/usage.js';

export interface PruneOptions {
  by: Actor;
  yes: boolean;
  dryRun: boolean;
  json: boolean;
  onProgress: (done: number, total: number) => Promise<void>;
}

export interface Pruned {
  document: JsonObject;
  lines: string[];
  nothing: boolean;
}

/** @throws {QueueError} 'usage' when the config has no rule; 'confirm-needed' */
export async function pruneQueue(queue: Queue, retention: Config['retention'], options: PruneOptions): Promise<Pruned> {
  if (retention.completedMs === undefined && retention.payloadsMs === undefined) {
    refuseUsage(
      'the config has no retention rules; nothing was removed',
      'Add "retention": { "completed": "30d", "payloads": "7d" } to it.',
    );
  }
  const { by, yes, dryRun, json } = options;
  const shown = await queue.desk.prune({ dryRun: true, by });
  if (dryRun || shown.items + shown.payloads === 0) return answer(shown, dryRun);
  const go = await confirmed({
    lines: [`Remove ${words(shown)}`],
    would: `${words(shown)} would be removed`,
    yes,
    json,
  });
  if (!go) return { document: {}, lines: ['nothing was changed'], nothing: true };
  const total = shown.items + shown.payloads;
  const onProgress = (done: number): Promise<void> => options.onProgress(done, total);
  return answer(await queue.desk.prune({ dryRun: false, by, onProgress }), false);
}

function words({ items, payloads }: PruneReport): string {
  const whole = items === 0 ? [] : [countWords(items, 'finished item')];
  const others = items === 0 ? '' : ' of others';
  return [...whole, ...(payloads === 0 ? [] : [`${countWords(payloads, 'payload')}${others}`])].join(' and ');
}

function answer(report: PruneReport, dry: boolean): Pruned {
  const { items, payloads } = report;
  const nothing = items + payloads === 0;
  return {
    document: { items, payloads, ...(dry ? { dryRun: true } : {}) },
    lines: [
      nothing
        ? 'nothing is old enough to be removed'
        : `${words(report)} ${dry ? 'would be' : items + payloads === 1 ? 'is' : 'are'} removed`,
    ],
    nothing,
  };
}
