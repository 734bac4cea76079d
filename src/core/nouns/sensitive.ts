/** Which values of a payload must not be seen by chance, as the config names them. */

/** Patterns made ready for `maskJson`. */
export interface SensitivePatterns {
  /** Key names at any depth, in lower case. */
  names: ReadonlySet<string>;
  /** JSON Pointers as steps; `*` = any one step. */
  pointers: readonly (readonly string[])[];
  /** Hide every value (no config says what is harmless). */
  everything: boolean;
}
