/** The channels of all targets of a queue, and the rules of `policy/` bound to them for the store's commits. */
import type { Config } from '../nouns/config.js';
import { secretNames } from '../config/secret-names.js';
import { compileSensitive } from '../privacy/sensitive.js';
import { implicitTarget } from '../config/target-shape.js';
import { gateOf } from '../policy/target-state.js';
import { decide } from '../policy/settle.js';
import type { Gate, SettlePolicy } from '../store/store.js';
import type { TargetConfig, TargetRow } from '../nouns/target.js';
import { Channel, type ChannelDeps } from './channel.js';

const CLOSED: Gate = { slots: 0, rotate: false };

/** The settings of a target: from the config, or made from the URL it was enqueued with; undefined = unknown. */
export function configOf(
  row: Pick<TargetRow, 'name' | 'implicitBaseUrl'>,
  { targets, sensitive }: Pick<Config, 'targets' | 'sensitive'>,
): TargetConfig | undefined {
  const known = targets.get(row.name);
  if (known !== undefined) return known;
  if (row.implicitBaseUrl === undefined) return undefined;
  const implicit = { ...implicitTarget(row.implicitBaseUrl), name: row.name };
  return sensitive.length === 0 ? implicit : { ...implicit, sensitive: compileSensitive(sensitive) };
}

/** Rules for a target that the config no longer names: open claims are settled, nothing new is sent. */
const UNNAMED = implicitTarget('http://localhost');

export class Channels {
  readonly config: Config;
  readonly #deps: Omit<ChannelDeps, 'secretEnv'>;
  readonly #random: () => number;
  readonly #channels = new Map<number, Channel>();

  constructor(config: Config, deps: Omit<ChannelDeps, 'secretEnv'>, random: () => number) {
    this.config = config;
    this.#deps = deps;
    this.#random = random;
  }

  /** Undefined when the config does not know the target. */
  of(row: TargetRow): Channel | undefined {
    let channel = this.#channels.get(row.id);
    if (channel === undefined) {
      const config = configOf(row, this.config);
      if (config === undefined) return undefined;
      channel = new Channel(config, { ...this.#deps, secretEnv: secretNames(this.config) });
      this.#channels.set(row.id, channel);
    }
    return channel;
  }

  /** Earliest moment at which a rate limit or a wait for a credential ends, in ms from now; undefined = there is none. */
  delayMs(): number | undefined {
    const delays = [...this.#channels.values()].flatMap((channel) => [channel.rateDelayMs, channel.prepareDelayMs]);
    const ahead = delays.filter((delay) => delay > 0);
    return ahead.length === 0 ? undefined : Math.min(...ahead);
  }

  policy(): SettlePolicy {
    return {
      decide: (facts, end, claim, target, lastAttempt, now) => {
        const config = this.of(target)?.config ?? UNNAMED;
        return decide({ facts, end, claim, target, config, lastAttempt, now, random: this.#random() });
      },
      gate: (target, now) => {
        const channel = this.of(target);
        return channel?.isReady === true ? gateOf(target, now, channel.inFlight, channel.limit) : CLOSED;
      },
    };
  }

  renewConnections(): void {
    for (const channel of this.#channels.values()) channel.renewConnections();
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.#channels.values()].map((channel) => channel.destroy()));
  }
}
