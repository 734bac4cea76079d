/** oclif's hook for an unknown command: suggests the nearest one, exit 2, as JSON with --json. */
import type { Hook } from '@oclif/core';
import { nearestWord } from '../../core/check/nearest.js';
import { errorDocument, errorText } from '../../render/errors.js';
import { jsonDocument } from '../../render/json.js';
import { fitted } from '../../render/printable.js';
import { PLAIN_STYLE } from '../../render/style.js';
import { exitCodeOfError } from '../program/exit-codes.js';
import type { Failure } from '../program/failure.js';
import { writeErr, writeOut } from '../program/output.js';

const LONGEST_NAME = 60;

export function unknownCommand(id: string, known: readonly string[], bin: string): Failure {
  const typed = id.replaceAll(':', ' ');
  if (typed.startsWith('-')) {
    return {
      code: 'unknown-command',
      message: `there is no command before ${fitted(typed, LONGEST_NAME)}`,
      hint: `The command comes first: ${bin} status ${fitted(typed, LONGEST_NAME)}. All commands: ${bin} help`,
    };
  }
  const [first = ''] = id.split(':');
  if (known.includes(first)) {
    const rest = typed.slice(first.length + 1);
    return {
      code: 'usage',
      message: `${first} takes no argument ${fitted(rest, LONGEST_NAME)}`,
      hint: `Help: ${bin} ${first} --help`,
    };
  }
  const nearest = nearestWord(
    typed,
    known.map((name) => name.replaceAll(':', ' ')),
  );
  const meant = nearest === undefined ? '' : `Did you mean ${bin} ${nearest}? `;
  return {
    code: 'unknown-command',
    message: `${fitted(typed, LONGEST_NAME)} is not a ${bin} command`,
    hint: `${meant}All commands: ${bin} help`,
  };
}

const hook: Hook.CommandNotFound = async ({ id, argv = [], config }) => {
  const failure = unknownCommand(
    id,
    config.commands.filter(({ hidden }) => !hidden).map((command) => command.id),
    config.bin,
  );
  const end = argv.indexOf('--');
  const isJson = id === '--json' || argv.slice(0, end < 0 ? undefined : end).includes('--json');
  process.exitCode = exitCodeOfError(failure.code);
  if (isJson) await writeOut(jsonDocument(errorDocument(failure))).catch(() => undefined);
  else await writeErr(`${errorText(failure, PLAIN_STYLE)}\n`);
};

export default hook;
