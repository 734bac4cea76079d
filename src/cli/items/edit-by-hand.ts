/** `edit` in an editor: the item is held back meanwhile, and returns with the saved text or unchanged. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Actor, EditResult, ItemEdits, OpenEdit, Queue } from '../../core/index.js';
import { QueueError } from '../../core/index.js';
import { forgetTemporary, removeTemporary, temporaryDirectory } from '../../core/files/temporary.js';
import { compactJson, prettyJson } from '../../core/json/json-format.js';
import { decodeText } from '../../core/check/text.js';
import { isJsonType } from '../../render/json.js';
import { askedFirst, askYesNo } from '../program/confirm.js';
import { openEditor, theEditor } from './editor.js';
import type { Environment } from '../program/environment.js';
import type { StopSignal } from '../program/exit-codes.js';
import { describeFailure } from '../program/failure.js';
import { decideSignals, endBySignal } from '../program/signals.js';
import { refuseUsage } from '../program/usage.js';

export interface HandOptions {
  /** With --json stdout is for the document: the editor uses the terminal directly, and no question is asked. */
  json: boolean;
  /** Also edits an item that the server may already have. */
  yes: boolean;
  /** The editor's environment, without secrets. */
  env: Environment;
  say: (...lines: string[]) => Promise<void>;
}

/** Undefined when nothing was changed. @throws {QueueError} bad-item, usage, busy */
export async function editByHand(
  queue: Queue,
  id: number,
  by: Actor,
  options: HandOptions,
): Promise<EditResult | undefined> {
  const editor = theEditor();
  // Asked before the editor opens, so that no typing is lost.
  const open = await askedFirst((yes) => queue.desk.beginEdit(id, by, { yes }), options);
  if (open === undefined) return undefined;
  const { stop, received, dispose } = stopOnSignals();
  let isKilled = false;
  let keep = false;
  let directory: string | undefined;
  try {
    directory = temporaryDirectory('edit');
    const text = textOf(open);
    const file = join(directory, `item-${id}.${text.isJson ? 'json' : 'txt'}`);
    writeFileSync(file, text.bytes, { mode: 0o600 });
    for (;;) {
      const end = await openEditor(editor, file, { ...options, stop });
      if (end.kind === 'killed') {
        isKilled = true;
        throw new QueueError(
          'busy',
          `the editor was killed (${end.signal}); item ${id} is as it was, and what was typed is removed`,
          { hint: `syncq edit ${id} opens it again.` },
        );
      }
      if (end.kind !== 'saved') refuseEnd(end.kind, id);
      const saved = savedIn(file);
      const edits = text.editsOf(saved);
      const problem = problemWith(queue, open, edits);
      if (problem !== undefined) {
        if (await wantsAgain(problem, stop, options)) continue;
        keep = !saved.equals(text.bytes);
        await queue.desk.endEdit(open, undefined, by).catch(() => undefined);
        throw keep ? keptIn(file, problem) : problem;
      }
      try {
        return await queue.desk.endEdit(open, edits, by);
      } catch (error) {
        // Somebody released or ended the item meanwhile; the typed text must not be lost.
        keep = !saved.equals(text.bytes);
        throw keep ? keptIn(file, error) : error;
      }
    }
  } catch (error) {
    // After any error, the item must return to the queue.
    if (!keep) await queue.desk.endEdit(open, undefined, by).catch(() => undefined);
    throw error;
  } finally {
    // A message names this file, so it stays.
    if (directory !== undefined) (keep && !stop.aborted ? forgetTemporary : removeTemporary)(directory);
    dispose();
    const signal = received();
    if (signal !== undefined && (isKilled || stop.aborted)) endBySignal(signal);
  }
}

/** @throws {QueueError} code 'usage' */
function refuseEnd(end: 'failed' | 'not-started', id: number): never {
  if (end === 'failed')
    refuseUsage(`the editor ended with an error; item ${id} is as it was`, `syncq edit ${id} opens it again.`);
  refuseUsage(
    'the editor that VISUAL or EDITOR names could not be started; nothing was changed',
    'Name one that there is, or say what to change: syncq edit ID --set /pointer=VALUE',
  );
}

/** `stop` aborts at the first signal that is not Ctrl-C in the editor; a second one ends the process at once. */
function stopOnSignals(): { stop: AbortSignal; received: () => StopSignal | undefined; dispose: () => void } {
  const controller = new AbortController();
  let received: StopSignal | undefined;
  const dispose = decideSignals((signal) => {
    if (controller.signal.aborted) endBySignal(signal);
    received = signal;
    if (signal !== 'SIGINT' || !process.stdin.isTTY) controller.abort(signal);
  });
  return { stop: controller.signal, received: () => received, dispose };
}

/** @throws {QueueError} code 'usage' when the editor removed the file */
function savedIn(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return refuseUsage(
      'the editor left no file behind; nothing was changed',
      'One that saves under another name or returns at once needs its own flag to wait, such as code --wait.',
    );
  }
}

function problemWith(queue: Queue, open: OpenEdit, edits: ItemEdits): Error | undefined {
  try {
    queue.desk.checkEdit(open, edits);
    return undefined;
  } catch (error) {
    if (!(error instanceof QueueError)) throw error;
    return error;
  }
}

async function wantsAgain(problem: Error, stop: AbortSignal, { json, say }: HandOptions): Promise<boolean> {
  if (json || !process.stdin.isTTY || !process.stderr.isTTY) return false;
  const { message } = describeFailure(problem, '');
  await say(message.replace('; nothing was changed', ''));
  const stopped = new Promise<false>((resolve) => stop.addEventListener('abort', () => resolve(false), { once: true }));
  return await Promise.race([askYesNo('open the editor again? [Y/n] ', true), stopped]);
}

/** The same error, with the name of the file that holds the typed text. */
function keptIn(file: string, error: unknown): unknown {
  if (!(error instanceof QueueError)) return error;
  const hint = `What was typed is in ${file}; take it over with --data @FILE, then remove it.`;
  return new QueueError(error.code, error.message, { hint, cause: error });
}

interface Text {
  /** What the editor gets. */
  bytes: Buffer;
  isJson: boolean;
  editsOf(saved: Buffer): ItemEdits;
}

/** JSON is laid out for reading and returns in its original layout. */
function textOf({ item }: OpenEdit): Text {
  if (item.payload === undefined)
    throw new QueueError('bad-item', `item ${item.id} has no payload to edit; nothing was changed`, {
      hint: 'Give one with --data.',
    });
  const stored = Buffer.from(item.payload);
  const text = decodeText(stored);
  if (text === undefined) {
    throw new QueueError('bad-item', `the payload of item ${item.id} is no text; nothing was changed`, {
      hint: 'Replace it with --data @file.',
    });
  }
  if (!isJsonType(item.contentType)) {
    return { bytes: stored, isJson: false, editsOf: (saved) => ({ payload: likeBefore(saved, text) }) };
  }
  const pretty = prettyJson(text);
  const compact = compactJson(text);
  return {
    bytes: Buffer.from(`${pretty}\n`, 'utf8'),
    isJson: true,
    editsOf: (saved) => {
      const now = decodeText(saved);
      // The editor saved another encoding; the check refuses it with a reason.
      if (now === undefined) return { payload: saved };
      if (compactJson(now) === compact) return { payload: stored };
      return { payload: compact === text ? compacted(saved, now) : likeBefore(saved, text) };
    },
  };
}

/** Text that is not JSON is passed on unchanged; the check refuses it with a reason. */
function compacted(saved: Buffer, text: string): Buffer {
  try {
    JSON.parse(text);
  } catch {
    return saved;
  }
  return Buffer.from(compactJson(text), 'utf8');
}

/** Editors end a file with a line feed, even if there was none. */
function likeBefore(saved: Buffer, before: string): Buffer {
  return !before.endsWith('\n') && saved.at(-1) === 0x0a ? saved.subarray(0, -1) : saved;
}
