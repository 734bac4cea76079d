/** Prints the page about one item: why it is where it is, what helps, the attempts, and what is sent. */
import type { Attempt, ItemDetail } from '../core/nouns/item.js';
import { whatHelps } from '../core/policy/help-for-item.js';
import { why } from '../core/policy/why.js';
import type { DocumentOptions, Mask } from './item-document.js';
import { decodeExcerpt, responseBody } from './item-document.js';
import { oneLine, printable } from './printable.js';
import { hanging } from './wrap.js';
import type { Look } from './style.js';
import { fullTime, span } from './time.js';
import { hidePayloadValues } from './hide-payload-values.js';

/** How to mask sensitive values: by key, and by value where a server repeated them. */
export type Hidden = Pick<DocumentOptions, 'mask' | 'hide'>;

/** Lines of the page, without line feeds. */
export function itemPage(stored: ItemDetail, look: Look, { mask, hide }: Hidden): string[] {
  const item = hide === undefined ? stored : hidePayloadValues(stored, hide);
  return [
    ...head(item, look),
    '',
    ...facts(item, look),
    ...attempts(item, look, { mask, hide }),
    ...payload(item, look, mask),
  ];
}

function head(item: ItemDetail, look: Look): string[] {
  const { style, now } = look;
  const help = whatHelps(item, now);
  const state = item.state === 'pending' ? (item.waiting ?? 'pending') : item.state;
  return [
    `${style.bold(`item ${item.id}`)}  ${stateColour(state, style)(state)}`,
    ...hanging('why: ', oneLine(why(item, look)), look),
    ...(help === undefined
      ? []
      : [
          ...hanging('what helps: ', help.sentence, look),
          ...help.commands.map((line) => `  ${style.cyan(look.suggest(oneLine(line)))}`),
        ]),
  ];
}

export function stateColour(state: string, style: Look['style']): (text: string) => string {
  if (state === 'review') return style.red;
  if (state === 'completed') return style.green;
  return state === 'blocked' || state === 'held' ? style.yellow : (text) => text;
}

function facts(item: ItemDetail, look: Look): string[] {
  const rows: [string, string | undefined][] = [
    ['request', `${item.method} ${item.path}`],
    ['target', item.target],
    ['entity', item.entity === undefined ? undefined : `${item.entity.type}/${item.entity.id}`],
    ['operation', item.operation],
    ['key', item.idempotencyKey],
    ['stored', fullTime(item.createdAt, look)],
    ['not before', item.notBefore === undefined ? undefined : fullTime(item.notBefore, look)],
    ['deadline', item.expiresAt === undefined ? undefined : fullTime(item.expiresAt, look)],
    ['completed', item.completedAt === undefined ? undefined : fullTime(item.completedAt, look)],
    ['retries', `${item.retryCount}${item.maxRetries === undefined ? '' : ` of ${item.maxRetries}`}`],
    [
      'edited',
      item.revision === 0
        ? undefined
        : `${item.revision === 1 ? 'once' : `${item.revision} times`}; see: ${look.suggest(`syncq history ${item.id}`)}`,
    ],
    ['tags', item.tags.length === 0 ? undefined : item.tags.join(', ')],
    ...Object.entries(item.headers).map(([name, value]): [string, string] => ['header', `${name}: ${value}`]),
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name.padEnd(10)}  ${oneLine(value)}`]));
}

function attempts({ attempts: list, isOrphaned }: ItemDetail, look: Look, hidden: Hidden): string[] {
  if (list.length === 0) return ['', 'not attempted yet'];
  const width = String(list.at(-1)?.number ?? 1).length;
  const listing = { ...hidden, width, open: isOrphaned ? 'left open' : 'under way' };
  return [
    '',
    look.style.bold(list.length === 1 ? '1 attempt' : `${list.length} attempts`),
    ...list.flatMap((attempt) => attemptLines(attempt, look, listing)),
  ];
}

/** `open`: the word for an attempt without an outcome. */
type Listing = Hidden & { width: number; open: string };

function attemptLines(attempt: Attempt, look: Look, { width, open, mask, hide }: Listing): string[] {
  const { outcome, status, durationMs, message, counted, url, response, runner } = attempt;
  const end = [
    outcome ?? open,
    status === undefined ? undefined : String(status),
    durationMs === undefined ? undefined : `after ${span(durationMs)}`,
    counted ? 'counted' : undefined,
    runner === '' ? undefined : `by ${runner}`,
  ];
  const line = `  ${String(attempt.number).padStart(width)}  ${fullTime(attempt.startedAt, look)}  ${end.filter((part) => part !== undefined).join(', ')}`;
  const indent = ' '.repeat(width + 4);
  const body = response === undefined ? undefined : decodeExcerpt(responseBody(response, mask, hide));
  return [
    ...hanging(indent.slice(0, 2), oneLine(line).slice(2), look),
    ...(message === undefined || message === '' ? [] : hanging(indent, oneLine(message), look)),
    ...(url === undefined ? [] : [`${indent}redirected to ${oneLine(url)}`]),
    ...(response === undefined
      ? []
      : Object.entries(response.headers).map(([name, value]) => `${indent}< ${oneLine(`${name}: ${value}`)}`)),
    ...(body === undefined || body === ''
      ? []
      : printable(body.trimEnd())
          .split('\n')
          .flatMap((text) => hanging(`${indent}< `, text, look))),
    ...(response?.complete === false ? [`${indent}< (the answer is cut here)`] : []),
  ];
}

function payload(item: ItemDetail, { style }: Look, mask: Mask): string[] {
  if (item.payloadBytes === undefined) return ['', 'no payload'];
  const title = `payload (${oneLine(item.contentType ?? 'no content type')}, ${item.payloadBytes} bytes, sha256 ${item.payloadSha256 ?? 'unknown'})`;
  if (item.payload === undefined)
    return ['', style.bold(title), item.payloadGone ? 'its bytes were removed' : 'its bytes are not here'];
  const shown = mask(item.payload);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(shown);
  } catch {
    return ['', style.bold(title), 'binary: --json shows it as base64'];
  }
  const masked = Buffer.compare(shown, item.payload) !== 0;
  return [
    '',
    style.bold(title),
    ...(masked ? [style.dim('(values hidden: --reveal shows them, and that is recorded)')] : []),
    printable(text),
  ];
}
