/** Names of HTTP headers: their grammar, and those that HTTP itself owns. */

/** A field name (RFC 9110, section 5.1: a token). */
export const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Headers of the connection and of the framing (RFC 9110, sections 7.6.1, 8.6, 10.1): setting one breaks the request. */
export const FRAMING_HEADERS: ReadonlySet<string> = new Set(
  'connection content-length expect host keep-alive proxy-connection te trailer transfer-encoding upgrade'.split(' '),
);
