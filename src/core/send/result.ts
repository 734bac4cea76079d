/** What happened on the wire. `classify.ts` turns it into an outcome. */
import type { ResponseExcerpt } from '../nouns/item.js';
import type { Answer } from '../policy/outcome-rules.js';

export type SendResult =
  /** A status arrived; the body may not have. */
  | {
      kind: 'response';
      response: ResponseExcerpt;
      /** The answer as read, for the target's outcome rules; set only if they need it. Never stored or shown. */
      raw?: Answer;
      /** Whole ms from the start of the attempt to the end of the body (or its cut). */
      durationMs: number;
      /** Final URL when a same-origin 307/308 was followed, else undefined. */
      redirectedTo: string | undefined;
      /** Set when the proxy on the way answered, not the server: it wants a login (407). Says so, and where that goes. */
      proxyLogin?: string;
    }
  /** No connection, so nothing was sent: DNS, refused, unreachable, connect timeout, proxy refused. */
  | { kind: 'unreachable'; code: string; message: string; durationMs: number }
  /** Something may have been sent and no status came back: reset, timeout, aborted by a second signal. */
  | {
      kind: 'no-answer';
      code: string;
      message: string;
      durationMs: number;
      /** The request was handed to a connected socket. */
      isSent: boolean;
    }
  /** The target's settings are wrong: TLS verification, bad base URL, forbidden address. Nothing was sent. */
  | { kind: 'misconfigured'; code: string; message: string; durationMs: number };

export interface SendOptions {
  /** Aborts the attempt at once (second signal, lost lock): ends as `no-answer`, code `aborted`. */
  signal: AbortSignal;
  /** Ready-made header of the credential, e.g. ["authorization", "Bearer ..."]; undefined = none. */
  credential: readonly [name: string, value: string] | undefined;
}

/** What a probe found. A probe is never an attempt and never evidence for the outage rule. */
export type ProbeResult =
  | {
      kind: 'reachable';
      durationMs: number;
      status: number | undefined;
      /** Where a credential was sent: accepted by a success; any other answer leaves it open. */
      credential?: 'accepted' | 'unknown';
      /** Set when it answered in a way that does not tell whether it works: the end of a sentence about the target. */
      doubt?: string;
    }
  | { kind: 'unreachable'; code: string; message: string; durationMs: number }
  | { kind: 'misconfigured'; code: string; message: string; durationMs: number };
