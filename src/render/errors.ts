/** Prints an error: two lines for a person, one document for a script. Shows only code, message and hint. */
import { printable } from './printable.js';
import type { JsonObject } from './json.js';
import type { Style } from './style.js';

export interface ShownError {
  code: string;
  message: string;
  hint: string | undefined;
}

/** Message, then hint; without line feeds at the end. */
export function errorText(error: ShownError, style: Style): string {
  const message = `${style.red('error:')} ${printable(error.message)}`;
  return error.hint === undefined ? message : `${message}\n${style.dim('hint:')} ${printable(error.hint)}`;
}

export function errorDocument({ code, message, hint }: ShownError): JsonObject {
  return { error: { code, message, hint: hint ?? null } };
}
