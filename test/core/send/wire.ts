/** Servers and senders that are gone after each test: what the tests of sending share. */
import { afterEach } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { SendResult } from '../../../src/core/send/result.js';
import type { Sender } from '../../../src/core/send/send.js';
import type { RunningServer } from './support.js';
import { optionsOf, requestOf, senderFor, startHttp, startRaw, targetOf } from './support.js';

const open: { close?(): Promise<unknown>; destroy?(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await (thing.destroy?.() ?? thing.close?.());
});

/** Closes `thing` after the test. */
export function keep<T extends { close(): Promise<unknown> }>(thing: T): T {
  open.push(thing);
  return thing;
}

export async function sender(...args: Parameters<typeof senderFor>): Promise<Sender> {
  return keep(await senderFor(...args));
}

/** A server that meets the first bytes of each connection with `reply`. */
export async function rawServer(reply: (socket: Socket) => void): Promise<RunningServer> {
  return keep(
    await startRaw((socket) => {
      socket.once('data', () => {
        reply(socket);
      });
    }),
  );
}

export async function sendTo(url: string, changes: Parameters<typeof targetOf>[1] = {}): Promise<SendResult> {
  const to = await sender(targetOf(url, changes));
  return to.send(requestOf(), optionsOf());
}

export function responseOf(result: SendResult): Extract<SendResult, { kind: 'response' }>['response'] {
  if (result.kind !== 'response') throw new Error(`no response but ${JSON.stringify(result)}`);
  return result.response;
}

export interface Seen {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** A server that answers every request alike and keeps what it got. */
export async function recorder(
  status = 200,
  headers: Record<string, string> = {},
  body = '{"id":1}',
): Promise<RunningServer & { seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = await startHttp((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks) });
      response.writeHead(status, headers).end(body);
    });
  });
  return keep(Object.assign(server, { seen }));
}
