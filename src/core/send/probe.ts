/** Checks whether a target answers, by a connection or by the configured request; sends no item. */
import type { Socket } from 'node:net';
import type { Dispatcher, request as undiciRequest } from 'undici';
import type { Clock } from '../nouns/clock.js';
import { ruleFor } from '../policy/outcome-rules.js';
import { RESPONSE_EXCERPT_BYTES } from '../nouns/item.js';
import type { TargetConfig } from '../nouns/target.js';
import { AWAY, intermediarySentence, intermediaryReason, leadsAway } from './intermediary.js';
import { concealInResponse } from './conceal-credential.js';
import { plainHost } from './connector.js';
import type { PreparedTransport, Transport } from './dispatcher.js';
import { BAD_REQUEST, failureOf } from './failure.js';
import { isTunnelLogin, loginOf } from './proxy.js';
import { requestPath } from './request.js';
import type { ProbeResult, SendOptions } from './result.js';
import { serverMessage } from './server-message.js';

export interface ProbeDeps {
  clock: Clock;
  /** syncq's version, for the User-Agent. */
  version: string;
  /** Ends the probe at once (as unreachable, code `aborted`). */
  signal: AbortSignal;
}

export interface ProbeOptions {
  /**
   * `auto`: the target's HTTP probe if it has one, else a TCP connect to the origin (or to the proxy).
   * `tls`: the whole way to an established connection - proxy, TLS and certificates - and nothing sent on it; for a
   * target held because of TLS. `request`: the HTTP probe, or a HEAD of the base URL, with the credential: for a person
   * who asks whether all is well. Default `auto`.
   */
  mode?: 'auto' | 'tls' | 'request';
  /** Sent in mode `request` only. */
  credential?: SendOptions['credential'];
  /** Bound on the whole probe, ms. Default: the target's `timeout`, at most 10 s or its `connectTimeout`. */
  timeoutMs?: number;
}

const PROXY_LOGIN = 'proxy-login';
const LONGEST_PROBE_MS = 10_000;
/** Statuses of a gateway, or of a server that is not up. */
const DOWN_STATUS = new Set([502, 503, 504, 511]);

type Finding = ProbeResult extends infer Kind ? (Kind extends ProbeResult ? Omit<Kind, 'durationMs'> : never) : never;

/** Never rejects, never sends the target's headers or a payload, and a credential only where a person asked for it. */
export async function probe(
  target: TargetConfig,
  transport: PreparedTransport,
  deps: ProbeDeps,
  options: ProbeOptions = {},
): Promise<ProbeResult> {
  const { clock } = deps;
  const started = clock.monotonic();
  const finding = await find(target, transport, deps, options);
  return { ...finding, durationMs: Math.max(0, Math.round(clock.monotonic() - started)) };
}

async function find(
  target: TargetConfig,
  transport: PreparedTransport,
  deps: ProbeDeps,
  options: ProbeOptions,
): Promise<Finding> {
  if (transport.kind === 'broken') return { kind: 'misconfigured', ...transport.problem };
  const limitMs = options.timeoutMs ?? Math.min(target.timeoutMs, Math.max(LONGEST_PROBE_MS, target.connectTimeoutMs));
  const ended = new AbortController();
  const over = new AbortController();
  const stop = (): void => {
    over.abort();
  };
  deps.signal.addEventListener('abort', stop, { once: true });
  if (deps.signal.aborted) stop();
  void deps.clock.sleep(limitMs, ended.signal).then(stop);
  try {
    return await ask(target, transport, deps, options, over.signal);
  } catch (error) {
    if (over.signal.aborted) return cutShort(transport, limitMs, deps.signal.aborted);
    return fromError(error, transport, options.mode === 'request');
  } finally {
    ended.abort();
    deps.signal.removeEventListener('abort', stop);
  }
}

async function ask(
  target: TargetConfig,
  transport: Transport,
  deps: ProbeDeps,
  options: ProbeOptions,
  signal: AbortSignal,
): Promise<Finding> {
  if (options.mode === 'tls') {
    await closed(openConnection(transport, signal), signal);
    return { kind: 'reachable', status: undefined };
  }
  if (options.mode === 'request') return askAsPerson(target, transport, deps.version, options.credential, signal);
  if (target.probe === undefined) {
    await closed(transport.openSocket(signal), signal);
    return { kind: 'reachable', status: undefined };
  }
  const response = await request(target.probe, transport, deps.version, undefined, signal);
  return response === undefined ? BAD_PROBE : judge(response, target.expect?.contentType, transport);
}

/** A `Response` takes no higher one. */
const HIGHEST_STATUS = 599;

const BAD_PROBE: Finding = {
  kind: 'misconfigured',
  code: 'bad-probe',
  message: 'the path of "probe" leads out of the base URL',
};

/** Whether it answers and accepts the credential. Without a probe path, the base URL may answer a web page. */
async function askAsPerson(
  target: TargetConfig,
  transport: Transport,
  version: string,
  credential: SendOptions['credential'],
  signal: AbortSignal,
): Promise<Finding> {
  const settings = target.probe ?? { method: 'HEAD' as const, path: '' };
  const response = await request(settings, transport, version, credential, signal);
  if (response === undefined) return BAD_PROBE;
  const { status } = response;
  const login = status === 407 ? loginOf(transport, false) : undefined;
  if (login !== undefined) return { kind: 'misconfigured', code: PROXY_LOGIN, message: login };
  const headers = Object.fromEntries(response.headers);
  const stranger = intermediaryReason({ status, headers }, undefined, target);
  if (stranger !== undefined) return { kind: 'unreachable', code: 'captive-portal', message: stranger };
  if (outcomeOf(response, target) === 'auth') {
    const message =
      credential === undefined
        ? `${transport.base.host} wants a credential (${String(status)}): name one in "auth" of the target`
        : `${transport.base.host} does not accept the credential (${String(status)})`;
    return { kind: 'misconfigured', code: 'auth', message };
  }
  if (status >= 400) {
    // Only a GET has a body with a sentence.
    const said = await request({ ...settings, method: 'GET' }, transport, version, credential, signal).catch(
      () => undefined,
    );
    const finding = failedAnswer(status, await sentenceOf(said, credential), target, transport);
    return finding.kind === 'reachable' && credential !== undefined ? { ...finding, credential: 'unknown' } : finding;
  }
  const finding = judge(response, target.probe && target.expect?.contentType, transport);
  if (finding.kind !== 'reachable' || credential === undefined) return finding;
  const isAccepted = response.ok && (await isGuarded(settings, transport, version, signal));
  return { ...finding, credential: isAccepted ? 'accepted' : 'unknown' };
}

/** What a person learns from an answer of 400 and above: less than that the target works. */
function failedAnswer(status: number, said: string | undefined, target: TargetConfig, transport: Transport): Finding {
  const { host } = transport.base;
  const answer = `${String(status)}${said === undefined ? '' : ` (${said})`}`;
  if (target.tls?.cert === undefined && (status === 495 || status === 496 || /\bcertificate\b/i.test(said ?? ''))) {
    const message = `${host} answered ${answer}: it may want a client certificate; name one in "tls" of the target`;
    return { kind: 'misconfigured', code: 'client-certificate', message };
  }
  if (status >= 500) {
    const who = transport.proxy === undefined ? host : `${host}, or the proxy ${transport.proxy.url.host},`;
    return { kind: 'unreachable', code: `http-${String(status)}`, message: `${who} answered ${answer}` };
  }
  if (target.probe !== undefined && status === 404) {
    const message = `${host} answered ${answer} to the path of "probe"; correct it, or the base URL`;
    return { kind: 'misconfigured', code: 'bad-probe', message };
  }
  const what = target.probe === undefined ? 'its base URL' : 'the path of "probe"';
  const hint = target.probe === undefined ? '; for more, name a path that it answers in "probe"' : '';
  return {
    kind: 'reachable',
    status,
    doubt: `answered ${answer} to ${what}, which does not tell whether its paths work${hint}`,
  };
}

async function sentenceOf(
  response: Response | undefined,
  credential: SendOptions['credential'],
): Promise<string | undefined> {
  if (response === undefined) return undefined;
  const body = new Uint8Array(await response.arrayBuffer());
  // Some servers echo the whole request.
  return serverMessage(concealInResponse({ headers: Object.fromEntries(response.headers), body }, credential));
}

/** Many health paths answer anybody: a success proves the credential only if the same request without it is refused. */
async function isGuarded(
  settings: Parameters<typeof request>[0],
  transport: Transport,
  version: string,
  signal: AbortSignal,
): Promise<boolean> {
  const bare = await request(settings, transport, version, undefined, signal).catch(() => undefined);
  return bare !== undefined && bare.status >= 300 && bare.status < 500 && bare.status !== 429;
}

/** A probe reads no body, so rules about bodies never match. */
function outcomeOf({ status, headers }: Response, { outcomes }: TargetConfig): string | undefined {
  const answer = { headers: Object.fromEntries(headers), body: NO_BODY, complete: false };
  const rule = ruleFor(outcomes, status, answer, {});
  return rule?.means ?? (status === 401 ? 'auth' : undefined);
}

const NO_BODY = new Uint8Array(0);

/** Waits for the connection and closes it; rejects when the signal comes first (a connection made later is closed too). */
function closed(opening: Promise<Socket>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(new Error('aborted'));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    opening.then((socket) => {
      socket.on('error', () => undefined).destroy();
      resolve();
    }, reject);
  });
}

function openConnection(transport: Transport, signal: AbortSignal): Promise<Socket> {
  const { base } = transport;
  return new Promise((resolve, reject) => {
    const target = {
      hostname: plainHost(base),
      host: base.host,
      protocol: base.protocol,
      port: base.port,
      signal,
    };
    transport.connect(target, (...[error, socket]) => {
      if (error === null) resolve(socket);
      else reject(error);
    });
  });
}

/** Undefined = the path leads out of the base URL. */
async function request(
  settings: NonNullable<TargetConfig['probe']>,
  transport: Transport,
  version: string,
  credential: SendOptions['credential'],
  signal: AbortSignal,
): Promise<Response | undefined> {
  const { base, dispatcher } = transport;
  const path = requestPath(base, transport.basePath, settings.path, false);
  if (path === undefined) return undefined;
  const [{ default: ky }, undici] = await Promise.all([import('ky'), import('undici')]);
  const response = await ky(base.origin + path, {
    method: settings.method,
    headers: {
      'user-agent': `syncq/${version}`,
      'accept-encoding': 'identity',
      ...(credential === undefined ? {} : { [credential[0]]: credential[1] }),
    },
    // Without these, ky would repeat requests and follow redirects to a login page.
    retry: 0,
    redirect: 'manual',
    throwHttpErrors: false,
    timeout: false,
    signal,
    fetch: viaDispatcher(undici.request, dispatcher),
  });
  return response;
}

/**
 * ky sends over the same connections as attempts. undici's own `fetch` refuses ports that browsers block
 * (https://fetch.spec.whatwg.org/#port-blocking), so a server on such a port would stay offline.
 */
function viaDispatcher(send: typeof undiciRequest, dispatcher: Dispatcher): typeof globalThis.fetch {
  return async (input, init) => {
    const { url, method, headers, signal } = input instanceof Request ? input : new Request(input, init);
    const answer = await send(url, {
      method: method,
      headers: Object.fromEntries(headers),
      signal,
      dispatcher,
    });
    const body = method === 'GET' && answer.statusCode >= 400 ? await beginning(answer.body) : null;
    answer.body.on('error', () => undefined).destroy();
    const told = Object.entries(answer.headers).map(([name, value]) => [name, value].flat().slice(0, 2));
    return new Response(body, {
      status: Math.min(answer.statusCode, HIGHEST_STATUS),
      headers: told.filter((pair): pair is [string, string] => pair[1] !== undefined),
    });
  };
}

async function beginning(body: AsyncIterable<Buffer>): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= RESPONSE_EXCERPT_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, RESPONSE_EXCERPT_BYTES);
}

function judge(response: Response, expected: string | undefined, transport: Transport): Finding {
  const { base } = transport;
  const { status } = response;
  if (isPage(response) && expected !== undefined && !/html/i.test(expected)) return portal('set expect');
  if (DOWN_STATUS.has(status)) {
    return {
      kind: 'unreachable',
      code: `http-${String(status)}`,
      message: `${base.host} answered the probe with ${String(status)}`,
    };
  }
  if (status >= 300 && status < 400 && leadsAway(response.headers.get('location'), base)) return portal(AWAY);
  return { kind: 'reachable', status };
}

/** A success that is a web page, from a server that is expected to say something else. */
function isPage(response: Response): boolean {
  return response.ok && /^text\/html\b/i.test(response.headers.get('content-type') ?? '');
}

function portal(remedy: string): Finding {
  return { kind: 'unreachable', code: 'captive-portal', message: intermediarySentence(remedy) };
}

function cutShort(transport: Transport, limitMs: number, isAborted: boolean): Finding {
  const { host } = transport.base;
  return isAborted
    ? { kind: 'unreachable', code: 'aborted', message: 'the probe was stopped' }
    : { kind: 'unreachable', code: 'timeout', message: `no answer from ${host} within ${String(limitMs / 1000)} s` };
}

/** A probe is not an attempt: only whether the settings are to blame matters. */
function fromError(error: unknown, transport: Transport, isForPerson: boolean): Finding {
  const login = isTunnelLogin(error) ? loginOf(transport, true) : undefined;
  // The proxy can be reached; an attempt will tell about the target.
  if (login !== undefined && !isForPerson) return { kind: 'reachable', status: 407 };
  if (login !== undefined) return { kind: 'misconfigured', code: PROXY_LOGIN, message: login };
  const { kind, code, message } = failureOf(error, false, transport.base.host, transport.proxy?.url.host);
  const isSettings = kind === 'misconfigured' && code !== BAD_REQUEST;
  return { kind: isSettings ? 'misconfigured' : 'unreachable', code, message };
}
