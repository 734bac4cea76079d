/**
 * The config as the config file and programs write it; docs/config.md has ranges and defaults. Durations are texts like
 * `30s`, `5m`, `2h` or `7d`. `validate.ts` reads it; the compiler compares the keys of the two.
 */

import type { OutcomeRule } from '../nouns/target.js';

/** Where a secret is; never the secret itself. A command prints it, or `{ "token", "expiresAt" }`. */
export type SecretSource = { env: string } | { file: string } | { command: readonly string[] };

export type AuthDocument =
  | { bearer: SecretSource }
  | { basic: { user: string; password: SecretSource } }
  | { header: { name: string; value: SecretSource } };

type Outcome = OutcomeRule['means'];

/** What answers mean on this server; the first rule that matches decides. */
export interface OutcomeRuleDocument {
  /** Statuses and classes such as `"4xx"`. Default: every status from 300 to 599. */
  status?: number | string | readonly (number | string)[];
  /** JSON Pointers into the body, and the expected values. */
  body?: Readonly<Record<string, unknown>>;
  /** Header names and values; `true` = the answer has this header. */
  header?: Readonly<Record<string, string | true>>;
  means: Outcome;
  /** Default true: `delivered` matches only an answer to a repeat of a write that may have arrived. */
  onlyRepeat?: boolean;
}

export interface TargetDocument {
  /** Absolute http(s) URL; paths of items are appended to it. */
  baseUrl: string;
  auth?: AuthDocument;
  headers?: Readonly<Record<string, string>>;
  retry?: { max?: number; base?: string; factor?: number; cap?: string };
  patience?: string;
  probe?: { method?: 'HEAD' | 'GET' | 'OPTIONS'; path: string };
  timeout?: string;
  connectTimeout?: string;
  /** Bytes per second. */
  minRate?: number;
  concurrency?: number;
  /** `20/s`, `100/m` or `5000/h`. */
  rate?: string;
  order?: 'entity' | 'strict' | 'none';
  outcomes?: Readonly<Record<string, Outcome>> | readonly OutcomeRuleDocument[];
  expect?: { status?: readonly number[]; contentType?: string };
  onUnknown?: 'retry' | 'review';
  idempotencyHeader?: string;
  breaker?: number;
  insecureHttp?: boolean;
  encodedSlash?: boolean;
  denyPrivate?: boolean;
  /** URL of a proxy; `false` = none. */
  proxy?: string | false;
  tls?: { ca?: string; cert?: string; key?: string };
  production?: boolean;
}

export interface ConfigDocument {
  $schema?: string;
  defaultTarget?: string;
  /** Path of the queue file; programs pass it to `openQueue`. */
  queue?: string;
  targets?: Readonly<Record<string, TargetDocument>>;
  /** Key names at any depth, or JSON Pointers (with a leading `/`), whose values are masked. */
  sensitive?: readonly string[];
  replay?: { ignore?: readonly string[] };
  retention?: { completed?: string; payloads?: string };
  hooks?: { review?: readonly string[]; offline?: readonly string[]; idle?: readonly string[] };
  limits?: {
    payloadBytes?: number;
    lineBytes?: number;
    batchLines?: number;
    jsonDepth?: number;
    headerBytes?: number;
    pathBytes?: number;
  };
}
