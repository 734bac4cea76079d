/** The whole configuration, validated and with every duration in ms and every path absolute. */
import type { TargetConfig } from './target.js';

export interface Config {
  /** Path of the file it came from; undefined = no config file was found. */
  source: string | undefined;
  defaultTarget: string | undefined;
  /** Queue named by the config; a file path or a postgres URL. */
  queue: string | undefined;
  targets: ReadonlyMap<string, TargetConfig>;
  sensitive: readonly string[];
  /** Members of answers that a replay does not compare, in the grammar of `sensitive`. */
  replay?: { ignore: readonly string[] };
  retention: { completedMs: number | undefined; payloadsMs: number | undefined };
  /** Commands to run on events, argv without a shell. */
  hooks: {
    review: readonly string[] | undefined;
    offline: readonly string[] | undefined;
    idle: readonly string[] | undefined;
  };
  limits: Limits;
}

/** Upper bounds on input; each has its own message and test. Sizes in bytes. */
export interface Limits {
  /** One payload. Default 1 MiB. */
  payloadBytes: number;
  /** One line of bulk input. Default payloadBytes * 2 + 64 KiB (base64 and the envelope). */
  lineBytes: number;
  /** Lines of one all-or-nothing batch. Default 1,000,000. */
  batchLines: number;
  /** Nesting of a JSON payload. Default 64. */
  jsonDepth: number;
  /** All request headers of an item together. Default 16 KiB. */
  headerBytes: number;
  /** A path. Default 8 KiB. */
  pathBytes: number;
}

export const DEFAULT_LIMITS: Limits = {
  payloadBytes: 1024 * 1024,
  lineBytes: 2 * 1024 * 1024 + 64 * 1024,
  batchLines: 1_000_000,
  jsonDepth: 64,
  headerBytes: 16 * 1024,
  pathBytes: 8 * 1024,
};
