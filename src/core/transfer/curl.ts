/** Writes an item as a curl command for a POSIX shell, without credentials. */
import { shellQuoted } from '../policy/shell-word.js';
import type { ArchivedItem } from '../store/archive.js';
import type { AuthConfig, TargetConfig } from '../nouns/target.js';
import { decodeText } from '../check/text.js';

/** Longest payload in the command itself: Linux allows 128 KiB an argument, terminals far less. */
const LONGEST_ARGUMENT = 32 * 1024;
/** Text that a shell and a terminal take as it is: no control characters except line feeds and tabs. */
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const PLAIN_TEXT = /^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]*$/;

const STAND_INS =
  '# its values are stand-ins under the real key, not for the real server: set BASE_URL to that of another';

export interface CurlTarget {
  baseUrl: string;
  config: TargetConfig | undefined;
}

/**
 * @param known undefined = not in the config: the command names the base URL by a variable
 * @param redacted the values are stand-ins under the real key: the base URL is a variable here, too
 */
export function curlCommand(item: ArchivedItem, known: CurlTarget | undefined, redacted = false): string {
  const target = redacted ? undefined : known;
  const { body, before, after } = bodyPart(item);
  const gone = item.payload === undefined && item.payloadBytes !== undefined;
  const command = `${before}curl --silent --show-error --include --globoff --path-as-is ${methodPart(item)} ${urlPart(item, target)}${headerPart(item, target)}${body}${after}`;
  const lines = [
    `# item ${item.id}: ${item.state}`,
    ...(gone ? [`# its payload (${item.payloadBytes ?? 0} bytes) is gone: this cannot be sent`] : []),
    ...(redacted ? [STAND_INS] : noteOf(target)),
    // Comment out every line: the line after a comment is a command again.
    ...(gone ? command.split('\n').map((line) => `# ${line}`) : [command]),
  ];
  return `${lines.join('\n')}\n`;
}

function methodPart({ method }: ArchivedItem): string {
  return method === 'HEAD' ? '--head' : `--request ${method}`;
}

function urlPart({ path }: ArchivedItem, target: CurlTarget | undefined): string {
  return target === undefined ? `"$BASE_URL"${shellQuoted(path)}` : shellQuoted(target.baseUrl + path);
}

function headerPart(item: ArchivedItem, target: CurlTarget | undefined): string {
  const headers: Record<string, string> = {
    ...target?.config?.headers,
    ...item.headers,
    ...(item.contentType === undefined || item.payload === undefined ? {} : { 'content-type': item.contentType }),
    [target?.config?.idempotencyHeader.toLowerCase() ?? 'idempotency-key']: item.idempotencyKey,
  };
  // curl sends an empty header only when it ends in a semicolon.
  return Object.entries(headers)
    .map(([name, value]) => ` \\\n  --header ${shellQuoted(value === '' ? `${name};` : `${name}: ${value}`)}`)
    .join('');
}

function bodyPart({ payload }: ArchivedItem): { body: string; before: string; after: string } {
  if (payload === undefined) return { body: '', before: '', after: '' };
  const text = decodeText(payload);
  // A leading @ would name a file.
  if (text !== undefined && text.length <= LONGEST_ARGUMENT && PLAIN_TEXT.test(text) && !text.startsWith('@')) {
    return { body: ` \\\n  --data-binary ${shellQuoted(text)}`, before: '', after: '' };
  }
  const lines = Buffer.from(payload)
    .toString('base64')
    .match(/.{1,76}/g) ?? [''];
  return {
    body: ' \\\n  --data-binary @-',
    before: "base64 -d <<'SYNCQ_END' | ",
    after: `\n${lines.join('\n')}\nSYNCQ_END`,
  };
}

function noteOf(target: CurlTarget | undefined): string[] {
  if (target === undefined) return ['# its target is not in the config: set BASE_URL to the base URL of the server'];
  const auth = target.config?.auth;
  return auth === undefined ? [] : [`# needs a credential, which is left out: add --header ${exampleOf(auth)}`];
}

function exampleOf(auth: AuthConfig): string {
  switch (auth.kind) {
    case 'bearer':
      return '"Authorization: Bearer $TOKEN"';
    case 'basic':
      return '"Authorization: Basic $(printf %s "$USER_AND_PASSWORD" | base64 -w0)"';
    case 'header':
      return `"${auth.name}: $VALUE"`;
  }
}
