import { describe, expect, test } from '@jest/globals';

import { unknownCommand } from '../../src/cli/help/command-not-found.js';
import { describeFailure } from '../../src/cli/program/failure.js';
import { QueueError } from '../../src/core/nouns/errors.js';

const HELP = 'Help: syncq enqueue --help';

describe('a failure', () => {
  test('of the queue keeps code, message and hint', () => {
    const error = new QueueError('bad-item', 'the path is wrong', { hint: 'write it anew' });
    expect(describeFailure(error, HELP)).toEqual({
      code: 'bad-item',
      message: 'the path is wrong',
      hint: 'write it anew',
    });
  });

  test('from another copy of the package counts as well, and an unknown code of it as a defect', () => {
    expect(describeFailure({ name: 'QueueError', code: 'busy', message: 'm', hint: undefined }, HELP).code).toBe(
      'busy',
    );
    expect(describeFailure({ name: 'QueueError', code: 'new-code', message: 'm' }, HELP).code).toBe('defect');
  });

  test('of the command line says how to get help, without colours', () => {
    const error = Object.assign(new Error('Unexpected argument: \x1b[31mx\x1b[39m\nSee more help with --help'), {
      oclif: { exit: 2 },
      parse: {},
    });
    expect(describeFailure(error, HELP)).toEqual({ code: 'usage', message: 'unexpected argument: x', hint: HELP });
  });

  test.each([
    ['Flag --target expects a value', '--target needs a value'],
    ['Flag --state expects one of these values: pending, review', '--state needs a value, one of: pending, review'],
  ])('of a flag without its value is no defect, though oclif gives it no mark: %s', (message, told) => {
    const error = Object.assign(new Error(message), { oclif: { exit: 1 } });
    expect(describeFailure(error, HELP)).toEqual({ code: 'usage', message: told, hint: HELP });
  });

  test.each([
    ['Parsing --limit \n\tExpected an integer but received: x', '--limit: expected an integer but received: x'],
    [
      'The following error occurred:\n  All of the following must be provided when using --max-age: --check',
      '--max-age needs --check',
    ],
    [
      'The following errors occurred:\n  --wait=true cannot also be provided when using --dry-run\n  --at=now is odd',
      '--wait cannot also be provided when using --dry-run; --at=now is odd',
    ],
    [
      'Missing 2 required args:\nname  name to call it by\nurl   base URL',
      'missing: name  name to call it by; url   base URL',
    ],
  ])('of the command line is one line: %j', (message, told) => {
    const error = Object.assign(new Error(`${message}\nSee more help with --help`), { oclif: { exit: 2 }, parse: {} });
    expect(describeFailure(error, HELP).message).toBe(told);
  });

  test('of a mistyped flag names the one that was meant, and a missing flag is called by its name', () => {
    const parse = { input: { flags: { all: {}, 'dry-run': {} } } };
    const unknown = Object.assign(new Error('Nonexistent flag: --dry-rnu'), {
      oclif: { exit: 2 },
      parse,
      flags: ['--dry-rnu'],
    });
    expect(describeFailure(unknown, HELP).hint).toBe(`Did you mean --dry-run? ${HELP}`);
    const missing = Object.assign(new Error('The following error occurred:\n  Missing required flag because'), {
      oclif: { exit: 2 },
      parse: {},
    });
    expect(describeFailure(missing, HELP).message).toBe('--because is missing');
  });

  test('--reason with a text names --because, whether the command has that filter or not', () => {
    const parse = { input: { flags: { json: {}, because: {} } } };
    const unknown = { oclif: { exit: 2 }, parse, flags: ['--reason'], message: 'Nonexistent flag: --reason' };
    const notOne = { oclif: { exit: 2 }, parse, message: 'Expected --reason=typo to be one of: rejected, conflict' };
    for (const error of [unknown, notOne]) {
      expect(describeFailure(error, HELP).hint).toBe(`To say why, write --because TEXT. ${HELP}`);
    }
  });

  test('that nobody expected tells its name, and never what hangs on it', () => {
    const error = Object.assign(new TypeError('x is not a function'), {
      request: { headers: { authorization: 'Bearer s3cret' } },
    });
    const failure = describeFailure(error, HELP);
    expect(failure.code).toBe('defect');
    expect(failure.message).toBe(
      'this is a defect in syncq (TypeError: x is not a function); what was acknowledged before is safe in the queue',
    );
    expect(JSON.stringify(failure)).not.toContain('s3cret');
  });

  test.each([
    ['SQLITE_IOERR_READ', 'unwritable'],
    ['SQLITE_CORRUPT', 'corrupt'],
    ['SQLITE_CONSTRAINT_CHECK', 'defect'],
  ])('that SQLite calls %s is %s, wherever it was noticed', (code, expected) => {
    expect(describeFailure(Object.assign(new Error('disk I/O error'), { code }), HELP).code).toBe(expected);
  });

  test('of a JSON parser does not quote what it could not read', () => {
    let error: unknown;
    try {
      JSON.parse('{"password": s3cret}');
    } catch (thrown) {
      error = thrown;
    }
    expect((error as Error).message).toContain('s3cret');
    expect(describeFailure(error, HELP).message).toContain('(SyntaxError)');
  });

  test.each([undefined, null, 'text', 7])('may be no error at all: %p', (thrown) => {
    expect(describeFailure(thrown, HELP).code).toBe('defect');
  });
});

describe('an unknown command', () => {
  const known = ['enqueue', 'status', 'target:list', 'target:add'];

  test.each([
    ['statsu', 'Did you mean syncq status? All commands: syncq help'],
    ['target:lst', 'Did you mean syncq target list? All commands: syncq help'],
    ['frobnicate', 'All commands: syncq help'],
    ['--json', 'The command comes first: syncq status --json. All commands: syncq help'],
  ])('%s is answered: %s', (id, hint) => {
    const failure = unknownCommand(id, known, 'syncq');
    expect(failure).toMatchObject({ code: 'unknown-command', hint });
  });

  test('behind a command that takes no arguments is one argument too many', () => {
    expect(unknownCommand('status:extra:words', known, 'syncq')).toEqual({
      code: 'usage',
      message: 'status takes no argument extra words',
      hint: 'Help: syncq status --help',
    });
  });

  test('is shown without what a terminal would obey, and cut', () => {
    expect(unknownCommand(`\x1b[2J${'x'.repeat(500)}`, known, 'syncq').message).toMatch(
      /^\\x1b\[2Jx{52}… is not a syncq command$/,
    );
  });
});
