/** Changes and removes targets in the config, and records it in the history of the queue. */
import type { Actor } from '../../core/index.js';
import { QueueError } from '../../core/index.js';
import type { ConfigLookup } from '../queue/config-file.js';
import type { CliQueue } from '../queue/open-queue.js';
import { countWords } from '../program/usage.js';
import { configPathForEdit, removeTargetFromConfig, setInConfig, type ConfigEdit } from './config-edit.js';
import type { Setting } from './settings.js';

export interface SettingsChange {
  name: string;
  settings: readonly Setting[];
  by: Actor;
}

/** @throws {QueueError} `unknown-target`, `bad-config` (what the config would become), `unwritable` */
export async function changeSettings(
  { queue }: CliQueue,
  lookup: ConfigLookup,
  { name, settings, by }: SettingsChange,
): Promise<ConfigEdit & { keys: string[]; next: string[] }> {
  const edit = setInConfig(configPathForEdit(lookup), name, settings);
  const keys = settings.map(({ path }) => path.join('.'));
  // Values may be personal; the config has them.
  await queue.record({ item: undefined, target: name, ...by, event: 'configured', detail: { keys } });
  const next = keys.includes('baseUrl')
    ? `to let tried items go there: syncq target accept ${name}`
    : `to try it: syncq target test ${name}`;
  return { ...edit, keys, next: [next] };
}

/** @throws {QueueError} `usage`: unfinished items name it; `unknown-target`, `bad-config`, `unwritable` */
export async function removeTarget(
  { queue }: CliQueue,
  lookup: ConfigLookup,
  name: string,
  by: Actor,
): Promise<ConfigEdit> {
  const known = (await queue.targetSummaries()).find(({ row }) => row.name === name);
  const unfinished = known === undefined ? 0 : known.pending + known.sending + known.review;
  if (unfinished > 0) {
    throw new QueueError(
      'usage',
      `${countWords(unfinished, 'unfinished item')} of the queue name${unfinished === 1 ? 's' : ''} ${name}; nothing was changed`,
      {
        hint: `See them: syncq inspect --target ${name}. To keep them under another name: syncq target rename`,
      },
    );
  }
  const edit = removeTargetFromConfig(configPathForEdit(lookup), name);
  await queue.record({ item: undefined, target: name, ...by, event: 'removed', detail: undefined });
  return edit;
}
