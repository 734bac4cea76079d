/** Words as a POSIX shell must be given them: a line that is offered to be copied must mean what it says. Pure. */

/** Quoted only where it needs to be. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : shellQuoted(text);
}

/** Nothing in it is special. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
