/** A word as a POSIX shell must be given it: a line that is offered to be copied must mean what it says. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
