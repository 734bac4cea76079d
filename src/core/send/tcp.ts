/** Opens a TCP connection to the address that answers first, as RFC 8305 (Happy Eyeballs) describes. */
import type { LookupAddress } from 'node:dns';
import { connect, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { platform } from 'node:os';
import type { Clock } from '../nouns/clock.js';
import { FORBIDDEN_ADDRESS, isPrivateAddress } from './address.js';

/** All addresses of a name. Rejects with Node's codes: ENOTFOUND, EAI_AGAIN. */
export type Lookup = (hostname: string) => Promise<readonly LookupAddress[]>;

export interface TcpOptions {
  /** Bound on look-up and connecting together, ms. */
  timeoutMs: number;
  /** Refuse a host if any of its addresses is private. */
  denyPrivate: boolean;
  clock: Clock;
  /** Default: the system's. */
  lookup?: Lookup | undefined;
}

/** Delay before the next address is tried beside the ones in progress, ms (RFC 8305, section 5). */
const STAGGER_MS = 250;
/** Addresses tried, at most. */
const MOST_ADDRESSES = 16;
/** undici's own code, which it also uses for a TLS handshake that does not end. */
export const CONNECT_TIMEOUT = 'UND_ERR_CONNECT_TIMEOUT';

/**
 * Node would abandon each address but the last after 250 ms, so a link with a longer round trip never got through
 * (`autoSelectFamily`).
 *
 * @param hostname name or number; IPv6 without brackets
 * @param signal ends the attempts; of no use once connected
 * @throws the most telling failure; of several addresses an AggregateError, the most telling one first
 */
export function connectTcp(hostname: string, port: number, options: TcpOptions, signal: AbortSignal): Promise<Socket> {
  const { clock, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    const open = new Set<Socket>();
    const failures: Error[] = [];
    const over = new AbortController();
    let pause = new AbortController();
    let addresses: string[] | undefined;

    const end = (error: Error = mostTelling(failures)): void => {
      over.abort();
      pause.abort();
      signal.removeEventListener('abort', onAbort);
      for (const socket of open) socket.destroy();
      open.clear();
      reject(error);
    };
    const tryNext = (): void => {
      pause.abort();
      const address = addresses?.shift();
      if (address === undefined) {
        if (open.size === 0) end();
        return;
      }
      const socket = connect({ ...SOCKET_OPTIONS, host: address, port });
      open.add(socket);
      socket.once('connect', () => {
        open.delete(socket);
        resolve(socket);
        end();
      });
      // Keep this listener: an error without one would end the process.
      socket.on('error', (error) => {
        if (!open.delete(socket)) return;
        failures.push(error);
        tryNext();
      });
      const mine = (pause = new AbortController());
      void clock.sleep(STAGGER_MS, mine.signal).then(() => {
        if (!mine.signal.aborted) tryNext();
      });
    };
    const onAbort = (): void => {
      end(new Error('aborted'));
    };
    const onTimeout = (): void => {
      failures.push(timeoutFailure(addresses === undefined, timeoutMs));
      end();
    };

    signal.addEventListener('abort', onAbort, { once: true });
    // After a process was stopped or asleep, timers fire before sockets are read.
    const deadline = clock.sleep(timeoutMs, over.signal).then(() => clock.settleDown?.());
    void deadline.then(onTimeout);
    const started = addressesOf(hostname, options).then((found) => {
      addresses = found;
      if (!over.signal.aborted) tryNext();
    });
    started.catch((error: unknown) => {
      end(error as Error);
    });
    if (signal.aborted) onAbort();
  });
}

/** The socket options that undici uses. */
const SOCKET_OPTIONS = { highWaterMark: 64 * 1024, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };

async function addressesOf(hostname: string, { denyPrivate, lookup = systemLookup }: TcpOptions): Promise<string[]> {
  const family = isIP(hostname);
  const found = family === 0 ? await lookup(hostname) : [{ address: hostname, family }];
  // Checked here and not earlier: a name may resolve differently the second time (DNS rebinding).
  const bad = denyPrivate ? found.find(({ address }) => isPrivateAddress(address)) : undefined;
  if (bad !== undefined) throw failure(FORBIDDEN_ADDRESS, `${hostname} is ${bad.address}, a private address`);
  if (found.length === 0) throw failure('ENOTFOUND', `${hostname} has no address`);
  return inTurn(found);
}

/** As Node asks for its own sockets: families that this machine has. Loaded here: `node:dns` reads resolv.conf at once. */
const systemLookup: Lookup = async (hostname) => {
  const { ADDRCONFIG, promises } = await import('node:dns');
  return promises.lookup(hostname, { all: true, hints: platform() === 'win32' ? 0 : ADDRCONFIG });
};

/** Families in turn, beginning with that of the first (RFC 8305, section 4); each address once. */
function inTurn(found: readonly LookupAddress[]): string[] {
  const isFirst = ({ family }: LookupAddress): boolean => family === found[0]?.family;
  const textsOf = (entries: LookupAddress[]): string[] => [...new Set(entries.map(({ address }) => address))];
  const one = textsOf(found.filter(isFirst));
  const other = textsOf(found.filter((entry) => !isFirst(entry)));
  const turns = Array.from({ length: MOST_ADDRESSES }, (_, at) => [one[at], other[at]]).flat();
  return turns.filter((address) => address !== undefined).slice(0, MOST_ADDRESSES);
}

/** The first failure, but "no route" last: this machine may have no IPv6. */
function mostTelling(failures: readonly NodeJS.ErrnoException[]): Error {
  const rank = ({ code = '' }: NodeJS.ErrnoException): number =>
    Number(/UNREACH$|^EADDRNOTAVAIL$|^EAFNOSUPPORT$/.test(code));
  const [first, ...more] = [...failures].sort((a, b) => rank(a) - rank(b));
  return first !== undefined && more.length === 0 ? first : new AggregateError([first, ...more], first?.message);
}

/** `EAI_AGAIN` is how the system says that no name server answers. */
function timeoutFailure(isLookup: boolean, timeoutMs: number): Error {
  const limit = `within ${String(timeoutMs / 1000)} s`;
  return isLookup ? failure('EAI_AGAIN', `not resolved ${limit}`) : failure(CONNECT_TIMEOUT, `no connection ${limit}`);
}

export function failure(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}
