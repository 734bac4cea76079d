/** Adds this command's --queue and --config to suggested commands, so that they can be copied. */
import { shellWord } from '../core/policy/shell-word.js';
import { oneLine } from './printable.js';

/**
 * The names given on the command line. Those from the environment or the working directory apply to the next command
 * anyway.
 */
export interface NamedPlace {
  queue?: string | undefined;
  config?: string | undefined;
}

export type Suggest = (text: string) => string;

/**
 * Adds `--queue` and `--config` to every `syncq COMMAND` in a text that does not name a place itself.
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
