/** Makes commands that a text suggests mean the queue and the config that this command was told, so that they can be copied. */
import { shellWord } from '../core/policy/shell-word.js';
import { oneLine } from './printable.js';

/** What was named on the command line; what the environment or the working directory named holds for the next command too. */
export interface NamedPlace {
  queue?: string | undefined;
  config?: string | undefined;
}

export type Suggest = (text: string) => string;

/**
 * Puts `--queue` and `--config` behind the command words of every `syncq COMMAND` in a text that does not name a place itself.
 *
 * @param commandIds the ids of all commands, as oclif writes them (`target:add`)
 */
export function suggestFor({ queue, config }: NamedPlace, commandIds: readonly string[]): Suggest {
  const flags = [named('--queue', queue), named('--config', config)].join('');
  if (flags === '') return (text) => text;
  const commands = commandIds.map((id) => id.replaceAll(':', ' ')).join('|');
  const command = new RegExp(`\\bsyncq (?:${commands})\\b(?! --(?:help|queue|config)\\b)`, 'g');
  return (text) => text.replace(command, (words) => words + flags);
}

function named(flag: string, value: string | undefined): string {
  return value === undefined ? '' : ` ${flag} ${oneLine(shellWord(value))}`;
}
