/** A connection of a pool that is opened only for a request that still waits for it, and that never stays lost to it. */
import type { Socket } from 'node:net';
import type { Client, Dispatcher, buildConnector } from 'undici';
import { skipInterim } from './skip-interim-answers.js';
import { unsentBytes } from './unsent-bytes.js';

/** Options of a dispatch, from which its request can be asked whether it is still to be sent. */
export interface AwaitedOptions extends Dispatcher.DispatchOptions {
  /** A handler would be the place, but a pool hands its clients another one. */
  awaiting: {
    /** Neither handed to a socket nor given up. */
    readonly isWaiting: boolean;
    /** Set when the request is given to a connection: what is left of it there, in bytes. */
    unsentBytes: () => number;
  };
}

/**
 * A client that connects no more when nobody waits. undici connects again for a request that was cut short on its
 * connection (it is still in the client's line): at the onset of an outage that would be an attempt beside the retry's
 * or the probe's.
 *
 * @param client undici's class, which is loaded with the first sender only
 * @param options of a pool's client, its `connect` among them
 * @param isPoolWaiting whether the pool keeps requests back until one of its clients is free
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
      // undici asks from within its loop, which takes no notice of an answer that comes before it has ended: the client
      // would tell nobody that it is free, and never end its `close`. Asked again, because a request may have come.
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
    // A request that undici refuses (a header name that HTTP does not allow) is answered as if the client were busy, and
    // its pool would wait for ever to be told that it is free again. One with nothing in its line is free.
    return isFree || made.stats.size === 0;
  };
  return made;
}

function isWaiting({ awaiting }: Dispatcher.DispatchOptions & Partial<AwaitedOptions>): boolean {
  return awaiting?.isWaiting ?? true;
}
