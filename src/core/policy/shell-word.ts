/** Quotes words for a POSIX shell, so that a command offered for copying means what it shows. Pure. */

/** Quoted only where it needs to be. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : shellQuoted(text);
}

/** It has no special character. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
