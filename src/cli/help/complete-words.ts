/**
 * Completion candidates for a command line. Commands and flags come from oclif, words from the queue come from the
 * caller.
 */

export interface CommandShape {
  /** `target add` */
  id: string;
  summary: string;
  flags: Readonly<Record<string, FlagShape>>;
  /** Names of the arguments, in order. */
  args: readonly string[];
}

export interface FlagShape {
  isSwitch: boolean;
  char: string | undefined;
  description: string;
  /** Its values, where they are a closed list. */
  options: readonly string[];
  multiple: boolean;
}

/** Kinds of words that only the queue or the file system knows. */
export type Unknowns = 'id' | 'review-id' | 'target' | 'entity' | 'tag' | 'operation' | 'file';

export interface Candidate {
  value: string;
  description: string;
}

export type Lookup = (kind: Unknowns) => Promise<Candidate[]>;

/** A candidate that stands for file names. */
export const FILES: Candidate = { value: ':files', description: '' };

const OF_FLAG: Readonly<Record<string, Unknowns>> = {
  target: 'target',
  to: 'target',
  entity: 'entity',
  tag: 'tag',
  operation: 'operation',
  like: 'review-id',
  behind: 'id',
  after: 'id',
  queue: 'file',
  config: 'file',
  from: 'file',
  output: 'file',
  report: 'file',
  journal: 'file',
  sqlite: 'file',
  map: 'file',
};

/** Commands whose first argument is the name of a target. */
const ON_TARGETS = new Set([
  'pause',
  'resume',
  'target accept',
  'target test',
  'target rename',
  'target set',
  'target remove',
]);
const ON_REVIEW = new Set(['retry', 'discard', 'complete', 'edit']);

/** @param words after the program's name; the last one is being typed and may be empty */
export async function completeWords(
  words: readonly string[],
  commands: readonly CommandShape[],
  lookup: Lookup,
): Promise<Candidate[]> {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const command = commandOf(before, commands);
  if (command === undefined) return startingWith(typed, nextWords(before, commands));
  const given = before.slice(command.id.split(' ').length);
  const inline = /^(--[a-z-]+)=(.*)$/s.exec(typed);
  if (inline !== null) {
    const [, name = '', value = ''] = inline;
    const values = await flagValues(flagOf(command, name), lookup);
    return startingWith(value, values).map((one) => (one === FILES ? one : { ...one, value: `${name}=${one.value}` }));
  }
  const afterFlag = given.includes('--') ? undefined : flagOf(command, given.at(-1) ?? '');
  if (afterFlag !== undefined && !afterFlag.flag.isSwitch)
    return startingWith(typed, await flagValues(afterFlag, lookup));
  if (typed.startsWith('-') && !given.includes('--')) return startingWith(typed, flagNames(command, given));
  return startingWith(typed, await argumentValues(command, given, commands, lookup));
}

/** A line as a shell would split it, roughly: quotes hold white space together, a backslash takes the next character. */
export function splitLine(line: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  let isOpen = true;
  for (let index = 0; index < line.length; index += 1) {
    const character = line.charAt(index);
    if (quote === '' && /\s/.test(character)) {
      if (isOpen) words.push(word);
      [word, isOpen] = ['', false];
      continue;
    }
    isOpen = true;
    if (quote === '' && (character === '"' || character === "'")) quote = character;
    else if (character === quote) quote = '';
    else if (character === '\\' && quote !== "'") word += line.charAt((index += 1));
    else word += character;
  }
  return [...words, word];
}

/** The value of a flag on the line: names the queue and config of the candidates. */
export function flagValue(words: readonly string[], name: string): string | undefined {
  const at = words.slice(0, -1).lastIndexOf(name);
  if (at >= 0) return words[at + 1];
  return words.findLast((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
}

function commandOf(words: readonly string[], commands: readonly CommandShape[]): CommandShape | undefined {
  const fits = commands.filter(({ id }) => words.slice(0, id.split(' ').length).join(' ') === id);
  return fits.sort((a, b) => b.id.length - a.id.length)[0];
}

/** Commands, or the commands of the topic on the line. */
function nextWords(before: readonly string[], commands: readonly CommandShape[]): Candidate[] {
  const found = new Map<string, string>();
  for (const { id, summary } of commands) {
    const parts = id.split(' ');
    const next = parts[before.length];
    if (next === undefined || parts.slice(0, before.length).join(' ') !== before.join(' ')) continue;
    found.set(next, parts.length === before.length + 1 ? summary : `commands about ${next}s`);
  }
  return [...found].map(([value, description]) => ({ value, description }));
}

interface NamedFlag {
  name: string;
  flag: FlagShape;
}

function flagOf({ flags }: CommandShape, word: string): NamedFlag | undefined {
  const entry = Object.entries(flags).find(
    ([name, { char }]) => word === `--${name}` || (char !== undefined && word === `-${char}`),
  );
  return entry === undefined ? undefined : { name: entry[0], flag: entry[1] };
}

function flagNames(command: CommandShape, given: readonly string[]): Candidate[] {
  const used = new Set(given.map((word) => flagOf(command, word.replace(/=.*$/s, ''))?.name));
  return Object.entries(command.flags)
    .filter(([name, { multiple }]) => multiple || !used.has(name))
    .map(([name, { description }]) => ({ value: `--${name}`, description }));
}

async function flagValues(named: NamedFlag | undefined, lookup: Lookup): Promise<Candidate[]> {
  if (named === undefined) return [];
  const { name, flag } = named;
  if (flag.options.length > 0) return flag.options.map((value) => ({ value, description: '' }));
  const kind = OF_FLAG[name];
  return kind === undefined ? [] : await lookup(kind);
}

async function argumentValues(
  command: CommandShape,
  given: readonly string[],
  commands: readonly CommandShape[],
  lookup: Lookup,
): Promise<Candidate[]> {
  const position = positional(command, given).length;
  const name = command.args[Math.min(position, command.args.length - 1)];
  if (name === undefined) return [];
  if (command.id === 'help') return helpWords(positional(command, given), commands);
  if (name === 'id') return lookup(ON_REVIEW.has(command.id) ? 'review-id' : 'id');
  if (position === 0 && ON_TARGETS.has(command.id)) return lookup('target');
  if (name === 'method' && position === 0) return METHODS.map((value) => ({ value, description: '' }));
  if (name === 'shell') return SHELLS.map((value) => ({ value, description: '' }));
  return /file|path/.test(name) && command.id !== 'enqueue' ? lookup('file') : [];
}

function helpWords(before: readonly string[], commands: readonly CommandShape[]): Candidate[] {
  const about = { value: 'exit-codes', description: 'what the exit codes mean' };
  return [...nextWords(before, commands), ...(before.length === 0 ? [about] : [])];
}

const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE', 'GET'] as const;
export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;

/** The words that are neither flags nor values of flags. */
function positional(command: CommandShape, given: readonly string[]): string[] {
  return given.filter((word, index) => {
    if (word.startsWith('-') && word !== '-') return false;
    const flag = flagOf(command, given[index - 1] ?? '');
    return flag === undefined || flag.flag.isSwitch;
  });
}

function startingWith(prefix: string, candidates: readonly Candidate[]): Candidate[] {
  return candidates.filter((candidate) => candidate === FILES || candidate.value.startsWith(prefix));
}
