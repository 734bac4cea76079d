/** The one reader of the process environment in the seam; everything below is handed what it needs. */

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables as they are now. */
export function environment(): Environment {
  return process.env;
}

/** DEBUG, as oclif understands it: with it, an unexpected error shows its stack. */
export function isDebugging(env: Environment = environment()): boolean {
  return (env['DEBUG'] ?? '') !== '';
}
