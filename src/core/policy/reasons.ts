/**
 * Hold reasons that only syncq itself gives, recognised by their first words: advice about a hold depends on them.
 * Pure.
 */

const BEGIN = {
  /** The answers of the target cannot be parsed. */
  unreadable: 'the answer of ',
  /** The proxy wants a login; the API is not concerned. */
  proxyLogin: 'the proxy ',
  /** A login page or something else answers in place of the server. */
  between: 'something between here and the server answered',
  /** The time for the body ended before the link had carried it. */
  thinLink: 'cut after ',
  /** Attempts to the old one are open. */
  moved: 'base URL changed from ',
} as const;

export type OwnReason = keyof typeof BEGIN;

export function reasonOf(kind: OwnReason, rest: string): string {
  return BEGIN[kind] + rest;
}

export function isReason(kind: OwnReason, reason: string | undefined): boolean {
  return reason?.startsWith(BEGIN[kind]) === true;
}

/** Marks a server's own words, so that they are not taken for one of these reasons. */
export function wordsOfServer(words: string): string {
  return Object.values(BEGIN).some((begin) => words.startsWith(begin)) ? `it says: ${words}` : words;
}
