/** Reasons that only syncq itself gives, each told by its first words: what is said of a hold, and what helps, depends on them. Pure. */

const BEGIN = {
  /** The answers of the target cannot be parsed. */
  unreadable: 'the answer of ',
  /** The proxy on the way wants a login: nothing of it concerns the API. */
  proxyLogin: 'the proxy ',
  /** A login page, or whatever else answers in place of the server. */
  between: 'something between here and the server answered',
  /** The time for a body was over before the link had taken it. */
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

/** A server's own words, which pass for none of these. */
export function wordsOfServer(words: string): string {
  return Object.values(BEGIN).some((begin) => words.startsWith(begin)) ? `it says: ${words}` : words;
}
