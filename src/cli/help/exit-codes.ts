/** The exit codes as `syncq help exit-codes` prints them. */
import type { JsonObject } from '../../render/json.js';
import { errorCodesOf, EXIT_CODE_TABLE } from '../program/exit-codes.js';

const INDENT = 15;

/** Lines of at most `columns` columns. */
export function exitCodeLines(columns: number): string[] {
  const lines = EXIT_CODE_TABLE.flatMap(({ codes, meaning }) => {
    const names = codes.flatMap(errorCodesOf);
    const text = names.length === 0 ? meaning : `${meaning} (error codes: ${names.join(' ')})`;
    const [first = '', ...rest] = wrap(text, columns - INDENT);
    return [`${codes.join(', ').padEnd(INDENT)}${first}`, ...rest.map((line) => ' '.repeat(INDENT) + line)];
  });
  return ['exit codes', '', ...lines, '', '3 wins over 4'];
}

export function exitCodeDocument(): JsonObject {
  return {
    exitCodes: EXIT_CODE_TABLE.flatMap(({ codes, meaning }) =>
      codes.map((code) => ({ code, meaning, errors: errorCodesOf(code) })),
    ),
  };
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
