/**
 * Refuses arguments and environment variables that are not valid UTF-8. Node puts U+FFFD in place of their bytes, so different
 * names would become one. Where the kernel shows the bytes (Linux), a U+FFFD that was really typed passes.
 */
import { isUtf8 } from 'node:buffer';
import { readFileSync, readlinkSync } from 'node:fs';
import { QueueError } from '../../core/nouns/errors.js';

const REPLACEMENT = '\ufffd';

/** @throws {QueueError} `usage`; the message names the argument's place or flag, never its content */
export function refuseDamagedArguments(argv: readonly string[]): void {
  const at = argv.findIndex((text) => text.includes(REPLACEMENT) && !isShown('cmdline', text));
  if (at < 0) return;
  const flag = /^--[a-z-]+(?==)/.exec(argv[at] ?? '')?.[0] ?? /^--?[a-zA-Z][a-z-]*$/.exec(argv[at - 1] ?? '')?.[0];
  const which = flag === undefined ? `argument ${at + 1}` : `the argument of ${flag}`;
  throw new QueueError('usage', `${which} is not valid UTF-8; nothing was changed`, {
    hint: 'Give it as UTF-8; a payload also from a file: -d @file.',
  });
}

/**
 * The value of an environment variable; empty when it is not set.
 *
 * @throws {QueueError} `usage`: it was not valid UTF-8
 */
export function variable(name: string, env: Readonly<Record<string, string | undefined>>): string {
  const value = env[name] ?? '';
  if (value.includes(REPLACEMENT) && !isShown('environ', `${name}=${value}`)) {
    throw new QueueError('usage', `the environment variable ${name} is not valid UTF-8; nothing was changed`, {
      hint: 'Set it as UTF-8, or unset it.',
    });
  }
  return value;
}

/** The absolute working directory; undefined when it is gone or its name is not UTF-8. */
export function workingDirectory(): string | undefined {
  try {
    const directory = process.cwd();
    const isTrue = !directory.includes(REPLACEMENT) || isUtf8(readlinkSync('/proc/self/cwd', { encoding: 'buffer' }));
    return isTrue ? directory : undefined;
  } catch {
    return undefined;
  }
}

/** True when the kernel shows this text among the process's arguments or variables, and only in valid UTF-8. */
function isShown(place: 'cmdline' | 'environ', text: string): boolean {
  let bytes: Buffer;
  try {
    bytes = readFileSync(`/proc/self/${place}`);
  } catch {
    return false;
  }
  const parts = bytes.toString('latin1').split('\0');
  const same = parts.map((part) => Buffer.from(part, 'latin1')).filter((part) => part.toString('utf8') === text);
  return same.length > 0 && same.every(isUtf8);
}
