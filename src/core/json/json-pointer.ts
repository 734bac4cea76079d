/** Reads and writes JSON Pointers (RFC 6901). Pure. */

/** The steps of a pointer, unescaped; the empty pointer has none and means the whole document. */
export function pointerSteps(pointer: string): string[] {
  const steps = pointer.split('/').slice(1);
  // ~1 first: "~01" must become "~1" (RFC 6901, section 4).
  return steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The pointer to these steps. */
export function pointerTo(steps: readonly (string | number)[]): string {
  return steps.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** True for a text that is a pointer: empty, or it starts with `/` and has `~` only in `~0` and `~1` (section 3). */
export function isPointer(text: string): boolean {
  return text === '' || (text.startsWith('/') && !/~(?![01])/.test(text));
}
