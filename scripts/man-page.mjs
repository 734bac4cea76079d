/**
 * Writes `man/syncq.1` from oclif's manifest and the table of exit codes, so that the manual cannot tell anything else
 * than `--help`. Runs after tsc and `oclif manifest`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { EXIT_CODE_TABLE } from '../dist/cli/program/exit-codes.js';

const ROOT = new URL('..', import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(name, ROOT), 'utf8'));
const { version, description, oclif } = read('package.json');
const bin = oclif.bin;
const commands = Object.values(read('oclif.manifest.json').commands)
  .filter(({ hidden }) => !hidden)
  .sort((a, b) => (a.id < b.id ? -1 : 1));

/** Text for roff: backslashes, dashes that are meant as such, and lines that would begin as a request. */
const roff = (text) =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^(?=[.'])/gm, '\\&');
/** The few variables that oclif's examples hold. */
const plain = (text) => text.replaceAll(/<%= config\.bin %>/g, bin);
const bold = (text) => `\\fB${roff(text)}\\fR`;
const italic = (text) => `\\fI${roff(text)}\\fR`;

const COMMON = new Set(
  Object.entries(commands[0].flags)
    .filter(([, flag]) => flag.helpGroup === 'COMMON')
    .map(([name]) => name),
);

function flagLines([name, flag]) {
  const short = flag.char === undefined ? '' : `${bold(`-${flag.char}`)}, `;
  const value = flag.type === 'option' ? ` ${italic(flag.helpValue ?? flag.options?.join('|') ?? 'VALUE')}` : '';
  const several = flag.multiple ? ' May be given several times.' : '';
  const options =
    flag.options === undefined || flag.helpValue === undefined ? '' : ` One of: ${flag.options.join(', ')}.`;
  return [
    '.TP',
    `${short}${bold(`--${name}`)}${value}`,
    roff(sentence(flag.description ?? flag.summary ?? '') + several + options),
  ];
}

function sentence(text) {
  const trimmed = plain(text).trim();
  if (trimmed === '') return '';
  return trimmed.charAt(0).toUpperCase() + trimmed.slice(1) + (/[.)\]]$/.test(trimmed) ? '' : '.');
}

function commandLines(command) {
  const name = command.id.replaceAll(':', ' ');
  const args = Object.entries(command.args).map(([arg, { required, multiple }]) => {
    const word = italic(arg.toUpperCase()) + (multiple ? '...' : '');
    return required ? word : `[${word}]`;
  });
  const usage = command.usage === undefined ? [] : [command.usage].flat();
  const synopsis =
    usage.length > 0
      ? usage.map((line) => `${bold(bin)} ${roff(plain(line))}`).join('\n.br\n')
      : [bold(`${bin} ${name}`), ...args, `[${italic('FLAGS')}]`].join(' ');
  const own = Object.entries(command.flags).filter(([flag]) => !COMMON.has(flag));
  const examples = (command.examples ?? []).map((example) =>
    plain(typeof example === 'string' ? example : example.command),
  );
  return [
    `.SS ${roff(name)}`,
    synopsis,
    '.PP',
    roff(sentence(command.summary ?? '')),
    ...(command.description === undefined ? [] : ['.PP', roff(sentence(command.description))]),
    ...own.flatMap(flagLines),
    ...(examples.length === 0 ? [] : ['.PP', 'Examples:', '.PP', '.nf', '.RS', ...examples.map(roff), '.RE', '.fi']),
  ];
}

const lines = [
  `.TH ${bin.toUpperCase()} 1 "" "${bin} ${version}" "User Commands"`,
  '.SH NAME',
  `${bin} \\- ${roff(description)}`,
  '.SH SYNOPSIS',
  `${bold(bin)} ${italic('COMMAND')} [${italic('FLAGS')}]`,
  '.SH COMMANDS',
  ...commands.flatMap(commandLines),
  '.SH COMMON FLAGS',
  ...Object.entries(commands[0].flags)
    .filter(([name]) => COMMON.has(name))
    .flatMap(flagLines),
  '.SH EXIT STATUS',
  ...EXIT_CODE_TABLE.flatMap(({ codes, meaning }) => ['.TP', bold(codes.join(', ')), roff(sentence(meaning))]),
  '.SH ENVIRONMENT',
  ...[
    ['SYNCQ_CONFIG', 'the config file, where no --config names one'],
    ['SYNCQ_QUEUE', 'the queue, where no --queue names one'],
    ['VISUAL, EDITOR', 'the editor that edit opens'],
    ['NO_COLOR', 'any value: no colour'],
    ['HTTP_PROXY, HTTPS_PROXY, NO_PROXY', 'the proxy, where the config names none'],
  ].flatMap(([name, text]) => ['.TP', bold(name), roff(sentence(text))]),
  '.SH FILES',
  ...[
    ['./syncq.json', 'the config, and beside it the queue ./syncq.db'],
    ['~/.config/syncq/config.json', 'the config, where there is none in the directory'],
    ['~/.local/share/syncq/syncq.db', 'the queue, where nothing else names one'],
  ].flatMap(([name, text]) => ['.TP', italic(name), roff(sentence(text))]),
];

mkdirSync(new URL('man/', ROOT), { recursive: true });
writeFileSync(new URL('man/syncq.1', ROOT), `${lines.join('\n')}\n`);
console.log(`${fileURLToPath(new URL('man/syncq.1', ROOT))}: ${lines.length} lines`);
