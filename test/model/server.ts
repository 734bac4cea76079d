/** The server of the simulation: it honours idempotency keys, and its journal of first effects is the ground truth. */
import type { StoredRequest } from '../../src/core/nouns/item.js';
import type { SendResult } from '../../src/core/send/result.js';

/** What may become of a request that is under way. */
export const FATES = [
  'ok',
  'lost-request',
  'lost-answer',
  '503-before',
  '503-after',
  '500-before',
  '500-after',
  '429',
  '429-later',
  '422',
  '409',
  '302',
  '401',
  'refused-connection',
  'bad-certificate',
] as const;
export type Fate = (typeof FATES)[number];

export interface Effect {
  item: number;
  key: string;
  body: string;
}

/** Bodies are `item <n> ...`, where n is the order in which the simulation enqueued. */
export function itemOf(body: string): number {
  return Number(/^\{"item":(\d+)/.exec(body)?.[1] ?? -1);
}

export class ModelServer {
  readonly effects: Effect[] = [];
  readonly #bodies = new Map<string, string>();
  readonly problems: string[] = [];
  /** Items that it will never accept. */
  readonly refuses = new Set<number>();

  /** The request reaches it. False = refused. The same key has one effect, however often it comes. */
  arrive(request: Pick<StoredRequest, 'idempotencyKey' | 'payload'>): boolean {
    const body = Buffer.from(request.payload ?? []).toString('utf8');
    const item = itemOf(body);
    if (this.refuses.has(item)) return false;
    const known = this.#bodies.get(request.idempotencyKey);
    if (known === undefined) {
      this.#bodies.set(request.idempotencyKey, body);
      this.effects.push({ item, key: request.idempotencyKey, body });
    } else if (known !== body) {
      this.problems.push(`I8: the key of item ${item} came with other bytes`);
    }
    return true;
  }
}

export function response(status: number, headers: Record<string, string> = {}): SendResult {
  const body = Buffer.from(`answer ${status}`);
  return {
    kind: 'response',
    response: { status, headers, body, complete: true },
    durationMs: 5,
    redirectedTo: undefined,
  };
}

export const NO_ANSWER: SendResult = {
  kind: 'no-answer',
  code: 'reset',
  message: 'the connection was lost',
  durationMs: 5,
  isSent: true,
};
export const NO_CONNECTION: SendResult = {
  kind: 'unreachable',
  code: 'ECONNREFUSED',
  message: 'no connection',
  durationMs: 1,
};
export const BAD_CERTIFICATE: SendResult = {
  kind: 'misconfigured',
  code: 'CERT_HAS_EXPIRED',
  message: 'the certificate has expired',
  durationMs: 1,
};
