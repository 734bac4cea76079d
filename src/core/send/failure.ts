/** What an error from the network means: was a connection made, may anything have been sent, are the settings wrong. */
import { reasonOf } from '../policy/reasons.js';
import { FORBIDDEN_ADDRESS } from './address.js';
import { cleanLine } from './clean-text.js';

export type Failure = { code: string; message: string } & (
  { kind: 'unreachable' | 'misconfigured' } | { kind: 'no-answer'; isSent: boolean }
);

/** An answer came and cannot be read: the server may have acted, and cannot say so. */
export const UNREADABLE = 'unreadable';

/** undici's code for a parser failure. Node's own HPE_ codes are about a proxy's tunnel. */
const UNREADABLE_CODE = /^(HTTPParserError|UnreadableAnswer|UND_ERR_HEADERS_OVERFLOW|UND_ERR_SOCKET bad \w+)$/;

/** The request itself cannot be put on the wire (a header that HTTP does not allow): the item's fault, not the target's. */
export const BAD_REQUEST = 'bad-request';

const TLS_CODE =
  /^(CERT_|CRL_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERROR_IN_C|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|PATH_LENGTH_|SUBJECT_ISSUER_|AKID_|KEYUSAGE_|CA_MD_|CA_KEY_|EE_KEY_|EPROTO$)/;

/**
 * In TLS 1.3 a server refuses our client certificate only after our side of the handshake is over, so the request may
 * be written already. It was not read: the alert ends the handshake (RFC 8446, section 4.4.2.4).
 */
const CLIENT_CERT_ALERT =
  /^ERR_SSL_.*ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|UNSUPPORTED_CERTIFICATE)/;

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'its name cannot be resolved',
  EAI_AGAIN: 'its name cannot be resolved now (no DNS)',
  EHOSTUNREACH: 'no route to it',
  ENETUNREACH: 'no network',
  ENETDOWN: 'the network is down',
  EADDRNOTAVAIL: 'no network address to connect from',
  ETIMEDOUT: 'no connection in time',
  ABORT_ERR: 'the proxy opened no tunnel in time',
  ECONNRESET: 'the connection was reset',
  EMFILE: 'this program has as many files open as it may (ulimit -n)',
  ENFILE: 'the system has as many files open as it may',
  EPIPE: 'the connection was closed',
  UND_ERR_SOCKET: 'the connection was closed',
  UND_ERR_HEADERS_OVERFLOW: 'it begins with more than 64 KiB of headers',
  CERT_HAS_EXPIRED: "its certificate has expired, or this machine's clock is wrong",
  CERT_NOT_YET_VALID: "its certificate is not valid yet, or this machine's clock is wrong",
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed: name it in "tls": { "ca" } if it is meant',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from an authority unknown here: name that in "tls": { "ca" }',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes from an authority unknown here: name that in "tls": { "ca" }',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate comes from an authority unknown here: name that in "tls": { "ca" }',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its certificate comes from an authority unknown here: name that in "tls": { "ca" }',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: is the base URL right?',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS on this port: is it http?',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS on this port: is it http?',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    'it ended the TLS handshake: it may want a client certificate ("tls": { "cert", "key" })',
  // OpenSSL 3.5 (Node 24) says TLS where it said SSLv3.
  'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE':
    'it ended the TLS handshake: it may want a client certificate ("tls": { "cert", "key" })',
  EPROTO: 'the TLS handshake failed',
};

/**
 * @param isSent true when the request was handed to a connected socket: then a failure leaves open whether the server
 *               acted on it
 * @param host   host and port, for the sentence
 * @param proxy  host and port of the proxy on the way: it may be what cannot be reached
 */
export function failureOf(error: unknown, isSent: boolean, host: string, proxy?: string): Failure {
  const chain = chainOf(error);
  const code = codeOf(chain);
  const words = WORDS[code] ?? wordsOf(chain, code);
  const proxyStatus = chain.map((link) => link.proxyStatus).find((status) => typeof status === 'number');
  if (typeof proxyStatus === 'number') {
    return {
      kind: 'unreachable',
      code: 'proxy-refused',
      message: `no connection to ${host}: the proxy answered ${String(proxyStatus)}`,
    };
  }
  if (UNREADABLE_CODE.test(code) || UNREADABLE_CODE.test(`${code} ${words}`))
    return {
      kind: 'no-answer',
      isSent,
      code: UNREADABLE,
      message: reasonOf('unreadable', `${host} cannot be read: ${words}`),
    };
  if (code === FORBIDDEN_ADDRESS)
    return { kind: 'misconfigured', code, message: `${wordsOf(chain, code)}, and "denyPrivate" is set` };
  if (isSent ? CLIENT_CERT_ALERT.test(code) : TLS_CODE.test(code)) {
    return {
      kind: 'misconfigured',
      code,
      message: `no secure connection to ${host}: ${clientCertWords(code) ?? words} (${code})`,
    };
  }
  if (isSent) return { kind: 'no-answer', isSent, code, message: `no answer from ${host}: ${words} (${code})` };
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') {
    return { kind: 'misconfigured', code: BAD_REQUEST, message: `this request cannot be sent: ${words}` };
  }
  const via = proxy === undefined ? host : `${host} through the proxy ${proxy}`;
  return { kind: 'unreachable', code, message: `no connection to ${via}: ${words} (${code})` };
}

function clientCertWords(code: string): string | undefined {
  if (!CLIENT_CERT_ALERT.test(code)) return undefined;
  return 'it wants another client certificate: see "tls": { "cert", "key" }';
}

interface Link {
  code?: unknown;
  name?: unknown;
  message?: unknown;
  cause?: unknown;
  errors?: unknown;
  proxyStatus?: unknown;
}

/** The error and its causes, outermost first. Duck-typed, because `instanceof` fails across realms. */
function chainOf(error: unknown): Link[] {
  const chain: Link[] = [];
  let link: unknown = error;
  while (typeof link === 'object' && link !== null && chain.length < 8) {
    const current = link as Link;
    chain.push(current);
    // Several addresses were tried (happy eyeballs): the first one's error stands for all.
    link = current.cause ?? (Array.isArray(current.errors) ? current.errors[0] : undefined);
  }
  return chain;
}

/** The innermost code says most; undici's parser errors have a name only. */
function codeOf(chain: readonly Link[]): string {
  const codes = chain.map((link) => link.code ?? link.name).filter((code) => typeof code === 'string');
  return codes.at(-1) ?? 'UNKNOWN';
}

function wordsOf(chain: readonly Link[], code: string): string {
  const message = chain.find((link) => link.code === code)?.message ?? chain.at(-1)?.message;
  if (typeof message !== 'string' || message === '') return 'no reason given';
  // Response does not match the HTTP/1.1 protocol (the reason)
  const parser = code === 'HTTPParserError' ? /\((.*)\)$/.exec(message)?.[1] : undefined;
  if (parser !== undefined) return parser.startsWith('Expected HTTP/') ? 'it is not HTTP' : cleanLine(parser, 160);
  // error:0A000410:SSL routines:ssl3_read_bytes:the reason:file:line
  return cleanLine(/:SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? message, 160);
}
