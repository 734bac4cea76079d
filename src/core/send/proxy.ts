/** Chooses the proxy for a target: from the config, else from HTTP_PROXY, HTTPS_PROXY and NO_PROXY. */
import { BlockList, isIP } from 'node:net';
import { isLoopbackHost } from '../check/loopback.js';
import { reasonOf } from '../policy/reasons.js';
import type { ProxyEndpoint } from './connector.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export type ProxyChoice =
  | { kind: 'direct' }
  | ({ kind: 'proxy' } & ProxyEndpoint)
  /** The setting is unusable. The message names it and never repeats its value, which may contain a password. */
  | { kind: 'bad'; message: string };

/**
 * The proxy for `url`. `setting` is the target's own (`false` = none, whatever the environment says). From the
 * environment the lower-case name wins, as everywhere. Loopback goes through a proxy found there only when that is on
 * this machine too: another machine's cannot reach a local server, whose plain http must not leave the host.
 */
export function proxyFor(url: URL, setting: string | false | undefined, env: Environment): ProxyChoice {
  if (setting === false) return { kind: 'direct' };
  if (setting !== undefined) return parseProxy(setting, undefined);
  const variable = variableFor(url);
  const name = env[variable.toLowerCase()] === undefined ? variable : variable.toLowerCase();
  const value = fromEnvironment(env, variable);
  if (value === undefined) return { kind: 'direct' };
  const exempt = fromEnvironment(env, 'NO_PROXY') ?? '';
  // Node's replacement for bytes that are not UTF-8.
  const damaged = value.includes('\ufffd') ? name : exempt.includes('\ufffd') ? 'NO_PROXY' : undefined;
  if (damaged !== undefined) return { kind: 'bad', message: `the environment variable ${damaged} is not valid UTF-8` };
  if (isExempt(url, exempt)) return { kind: 'direct' };
  const choice = parseProxy(value, name);
  const isLocalProxy = choice.kind === 'proxy' && isLoopbackHost(choice.url.hostname);
  return isLoopbackHost(url.hostname) && !isLocalProxy ? { kind: 'direct' } : choice;
}

function variableFor({ protocol }: URL): string {
  return protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
}

function fromEnvironment(env: Environment, name: string): string | undefined {
  const value = env[name.toLowerCase()] ?? env[name];
  return value === undefined || value.trim() === '' ? undefined : value.trim();
}

function placeOf(variable: string | undefined): string {
  return variable === undefined ? 'the setting "proxy"' : `the environment variable ${variable}`;
}

function parseProxy(value: string, variable: string | undefined): ProxyChoice {
  const where = placeOf(variable);
  // "proxy:3128" is what people write, and every other tool takes it.
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  if (!URL.canParse(text)) return { kind: 'bad', message: `${where} is not a URL` };
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return {
      kind: 'bad',
      message: `${where} names a ${url.protocol.slice(0, -1)} proxy; only http and https proxies work`,
    };
  }
  const authorization = basicOf(url);
  if (authorization === null)
    return { kind: 'bad', message: `${where} holds a user or password that cannot be decoded` };
  return { kind: 'proxy', url, authorization, variable };
}

/** True when it was the proxy that refused its tunnel with a 407. */
export function isTunnelLogin(error: unknown): boolean {
  return (error as { proxyStatus?: unknown } | null)?.proxyStatus === 407;
}

/**
 * What to do about a 407, when it is the proxy's: a tunnel that was refused, or any answer over plain http. Its login
 * goes into the variable: the config holds no secret, and `auth` is the target's, so that a login written there would be
 * handed to the API.
 */
export function loginOf(
  { proxy, base }: { proxy: ProxyEndpoint | undefined; base: URL },
  isTunnel: boolean,
): string | undefined {
  if (proxy === undefined || (base.protocol === 'https:' && !isTunnel)) return undefined;
  const { authorization, variable } = proxy;
  const { host, protocol } = proxy.url;
  const meant = `set ${variable ?? variableFor(base)}=${protocol}//USER:PASSWORD@${host}`;
  const rest =
    authorization !== undefined
      ? `does not accept the user and password in ${placeOf(variable)} (407)`
      : `wants a login (407): ${variable === undefined ? 'take "proxy" out of the target and ' : ''}${meant}`;
  return reasonOf('proxyLogin', `${host} ${rest}`);
}

/** The Proxy-Authorization of the URL's user info; null when it is not valid percent encoding. */
function basicOf(url: URL): string | undefined | null {
  if (url.username === '' && url.password === '') return undefined;
  try {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
  } catch {
    return null;
  }
}

/**
 * NO_PROXY: names separated by commas or blanks. A name covers its subdomains; `host:port`, `*`, leading and final dots
 * work, and networks (`10.0.0.0/8`, `fd00::/8`) for hosts that are addresses: names are not looked up for it.
 */
function isExempt(url: URL, noProxy: string): boolean {
  const host = withoutFinalDot(url.hostname.toLowerCase());
  const port = url.port !== '' ? url.port : url.protocol === 'https:' ? '443' : '80';
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === '') return false;
      if (entry === '*' || isInNetwork(host, entry)) return true;
      const withPort = /^(.+):(\d+)$/.exec(entry);
      const isBareIpv6 = entry.includes('::') && !entry.startsWith('[');
      if (withPort !== null && !isBareIpv6 && withPort[2] !== port) return false;
      const named = withPort === null || isBareIpv6 ? entry : (withPort[1] ?? '');
      const name = withoutFinalDot(named.replace(/^\*?\./, ''));
      return host === name || host === `[${name}]` || host.endsWith(`.${name}`);
    });
}

const withoutFinalDot = (name: string): string => name.replace(/\.$/, '');

function isInNetwork(host: string, entry: string): boolean {
  const [, network = '', prefix = ''] = /^(.+)\/(\d{1,3})$/.exec(entry) ?? [];
  const family = isIP(network);
  const address = host.replace(/^\[|\]$/g, '');
  if (family === 0 || isIP(address) !== family || Number(prefix) > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), type);
  return list.check(address, type);
}
