/** Holds a command line that a page shows against the commands and flags that exist. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from './source-graph.js';

interface ManifestFlag {
  type: 'boolean' | 'option';
  char?: string;
  options?: string[];
}

export interface ManifestCommand {
  examples?: (string | { command: string })[];
  flags: Record<string, ManifestFlag>;
}

export const { commands } = JSON.parse(readFileSync(join(ROOT, 'oclif.manifest.json'), 'utf8')) as {
  commands: Record<string, ManifestCommand>;
};

/** What oclif answers without a command of ours. */
const OTHERS = new Set(['help', '--help', '-h', '--version', '-v']);

/** The words of a line after `syncq`, without quotes, up to a `$(…)`. */
export function wordsOf(line: string): string[] {
  return (line.split('$(')[0]?.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^(["'])(.*)\1$/, '$2'));
}

/** What of the words after `syncq` the program does not know; empty when all is well. */
export function mistakes([first = '', second = '', ...rest]: readonly string[]): string[] {
  if (OTHERS.has(first)) return [];
  const command = commands[`${first}:${second}`] ?? commands[first];
  if (command === undefined) return [`no command ${first} ${second}`.trim()];
  const words = [second, ...rest];
  return words.flatMap((word, at) => {
    const [, name, glued] = /^--([a-z-]+)(?:=(.*))?$/.exec(word) ?? [];
    const char = /^-([a-zA-Z])$/.exec(word)?.[1];
    if (char !== undefined && char !== 'h')
      return Object.values(command.flags).some((flag) => flag.char === char) ? [] : [`no flag -${char}`];
    if (name === undefined || name === 'help') return [];
    const flag = command.flags[name];
    if (flag === undefined) return [`no flag --${name}`];
    const value = glued ?? words[at + 1] ?? '';
    const isTaken = flag.type === 'boolean' || flag.options === undefined || flag.options.includes(value);
    return isTaken ? [] : [`--${name} takes no ${value}`];
  });
}
