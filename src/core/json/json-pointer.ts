/** How a JSON Pointer (RFC 6901) is spelled. Pure. */

/** Its steps, unescaped; the empty pointer has none and means the whole document. */
export function pointerSteps(pointer: string): string[] {
  const steps = pointer.split('/').slice(1);
  // ~1 first: "~01" must become "~1" (RFC 6901, section 4).
  return steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}
