/** Removes the credential from answers: some servers echo the whole request, and answers are stored and shown. */
import type { ResponseExcerpt } from '../nouns/item.js';
import type { SendOptions, SendResult } from './result.js';

/** Shorter secrets would hide half of an innocent answer and protect nothing. */
const SHORTEST = 4;

/** The answer with every trace of the credential overwritten by `*`, byte for byte. */
export function conceal(result: SendResult, credential: SendOptions['credential']): SendResult {
  if (credential === undefined || result.kind !== 'response') return result;
  const needles = spellings(credential[1]);
  if (needles.length === 0) return result;
  const { response, redirectedTo } = result;
  return {
    ...result,
    response: concealIn(response, needles),
    redirectedTo: redirectedTo === undefined ? undefined : concealInText(redirectedTo, needles),
  };
}

/** The same for an answer to a probe. */
export function concealInResponse<R extends Pick<ResponseExcerpt, 'headers' | 'body'>>(
  response: R,
  credential: SendOptions['credential'],
): R {
  return credential === undefined ? response : concealIn(response, spellings(credential[1]));
}

/** The secret by itself, as it stands in the header, and as a URL or JSON would spell it. Longest first. */
function spellings(value: string): string[] {
  const secret = value.replace(/^[\w-]+ +/, '');
  const decoded = /^basic /i.test(value) ? Buffer.from(secret, 'base64').toString('utf8') : '';
  const password = decoded.slice(decoded.indexOf(':') + 1);
  const plain = [value, secret, decoded, password].filter((text) => text.length >= SHORTEST);
  const all = plain.flatMap((text) => [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text)]);
  return [...new Set(all)].sort((a, b) => b.length - a.length);
}

function concealIn<R extends Pick<ResponseExcerpt, 'headers' | 'body'>>(response: R, needles: readonly string[]): R {
  const headers = Object.entries(response.headers).map(
    ([name, value]) => [name, concealInText(value, needles)] as const,
  );
  const body = Buffer.from(response.body);
  let changed = false;
  for (const needle of needles) changed = overwrite(body, Buffer.from(needle, 'utf8')) || changed;
  return { ...response, headers: Object.fromEntries(headers), body: changed ? body : response.body };
}

function concealInText(text: string, needles: readonly string[]): string {
  const bytes = Buffer.from(text, 'utf8');
  let changed = false;
  for (const needle of needles) changed = overwrite(bytes, Buffer.from(needle, 'utf8')) || changed;
  return changed ? bytes.toString('utf8') : text;
}

/** The stored part may end inside the secret, so a prefix of it at the very end counts too. */
function overwrite(bytes: Buffer, needle: Buffer): boolean {
  let changed = false;
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + needle.length)) {
    bytes.fill('*', at, at + needle.length);
    changed = true;
  }
  for (let length = Math.min(needle.length - 1, bytes.length); length >= SHORTEST; length -= 1) {
    const at = bytes.length - length;
    if (bytes.compare(needle, 0, length, at) !== 0) continue;
    bytes.fill('*', at);
    return true;
  }
  return changed;
}
