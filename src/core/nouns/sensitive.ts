/** Which values of a payload are masked, as the config names them. */

/** The patterns in the form that `maskJson` uses. */
export interface SensitivePatterns {
  /** Key names at any depth, in lower case. */
  names: ReadonlySet<string>;
  /** JSON Pointers as steps; `*` = any one step. */
  pointers: readonly (readonly string[])[];
  /** Mask every value: there is no config that says what is harmless. */
  everything: boolean;
}
