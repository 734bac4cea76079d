/** A pool connection that opens only while a request still waits for it, and that always returns to its pool. */
import type { Socket } from 'node:net';
import type { Client, Dispatcher, buildConnector } from 'undici';
import { skipInterim } from './skip-interim-answers.js';
import { unsentBytes } from './unsent-bytes.js';

/** Dispatch options that tell whether the request still has to be sent. */
export interface AwaitedOptions extends Dispatcher.DispatchOptions {
  /** Not on the handler, because a pool gives its clients a handler of its own. */
  awaiting: {
    /** True until the request is given to a socket or abandoned. */
    readonly isWaiting: boolean;
    /** Bytes of the request still on this side of the connection; set when a connection takes the request. */
    unsentBytes: () => number;
  };
}

/**
 * A client that does not reconnect when nobody waits. undici reconnects for a request that was cut off, because the
 * request is still in the client's queue. At the start of an outage that would be one more connection beside the
 * retry's and the probe's.
 *
 * @param client undici's class, loaded with the first sender
 * @param options the pool's client options, including `connect`
 * @param isPoolWaiting true while the pool holds requests back until a client is free
 */
export function awaitedClient(
  client: typeof Client,
  origin: URL,
  options: Client.Options & { connect: buildConnector.connector },
  isPoolWaiting: () => boolean,
): Client {
  let line: (Dispatcher.DispatchOptions & Partial<AwaitedOptions>)[] = [];
  let socket: Socket | undefined;
  const unsent = (): number => (socket === undefined ? 0 : unsentBytes(socket));
  const connect: typeof options.connect = (target, callback) => {
    options.connect(target, (...result) => {
      socket = result[1] ?? undefined;
      callback(...result);
      if (socket !== undefined) skipInterim(socket);
    });
  };
  const made = new client(origin, {
    ...options,
    connect: (target: buildConnector.Options, callback: buildConnector.Callback) => {
      const isAwaited = (): boolean => line.some(isWaiting) || isPoolWaiting();
      if (isAwaited()) {
        connect(target, callback);
        return;
      }
      // undici asks inside its own loop and ignores an answer that comes before the loop ends: the client would never
      // report that it is free, and its `close` would never finish. So ask again later; a request may have come by
      // then.
      queueMicrotask(() => {
        if (isAwaited()) connect(target, callback);
        else callback(new Error('nobody waits for a connection any more'), null);
      });
    },
  });
  const dispatch = made.dispatch.bind(made);
  made.dispatch = (request: (typeof line)[number], handler) => {
    if (request.awaiting !== undefined) request.awaiting.unsentBytes = unsent;
    line = line.filter(isWaiting);
    line.push(request);
    const isFree = dispatch(request, handler);
    // undici answers a request that it refuses (an invalid header name) as if the client were busy, and the pool would
    // wait forever. A client with an empty queue is free.
    return isFree || made.stats.size === 0;
  };
  return made;
}

function isWaiting({ awaiting }: Dispatcher.DispatchOptions & Partial<AwaitedOptions>): boolean {
  return awaiting?.isWaiting ?? true;
}
