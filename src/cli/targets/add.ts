/** Turns the flags of `target add` into a config entry. Secrets are named only by their source. */
import type { SecretEntry, TargetEntry } from './config-edit.js';
import { refuseUsage } from '../program/usage.js';

export interface AuthFlags {
  bearer?: string | undefined;
  basic?: string | undefined;
  header?: string | undefined;
  probe?: string | undefined;
  production: boolean;
  'insecure-http': boolean;
}

/** @throws {QueueError} code 'usage', without the given text, which may be the secret itself */
export function targetEntry(baseUrl: string, flags: AuthFlags): TargetEntry {
  const entry: TargetEntry = { baseUrl };
  const auth = authOf(flags);
  if (auth !== undefined) entry.auth = auth;
  if (flags.probe !== undefined) entry.probe = { path: flags.probe };
  if (flags['insecure-http']) entry.insecureHttp = true;
  if (flags.production) entry.production = true;
  return entry;
}

function authOf({ bearer, basic, header }: AuthFlags): TargetEntry['auth'] {
  if (bearer !== undefined) return { bearer: secretOf('bearer', bearer) };
  if (basic !== undefined) {
    const [user, password] = split('basic', basic, 'USER=SECRET');
    return { basic: { user, password: secretOf('basic', password) } };
  }
  if (header === undefined) return undefined;
  const [name, value] = split('auth-header', header, 'NAME=SECRET');
  return { header: { name, value: secretOf('auth-header', value) } };
}

function split(flag: string, text: string, form: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) refuseUsage(`--${flag} is not ${form}`, `SECRET says where the secret is: ${FORMS}`);
  return [text.slice(0, at), text.slice(at + 1)];
}

const FORMS = 'env:NAME, file:PATH, or command:["PROGRAM","ARGUMENT"]';

function secretOf(flag: string, text: string): SecretEntry {
  const colon = text.indexOf(':');
  const rest = text.slice(colon + 1);
  switch (colon < 0 ? '' : text.slice(0, colon)) {
    case 'env':
      return { env: rest };
    case 'file':
      return { file: rest };
    case 'command':
      return { command: commandOf(flag, rest) };
    default:
      return refuseUsage(`--${flag} does not say where the secret is`, `Never give the secret itself: ${FORMS}`);
  }
}

function commandOf(flag: string, text: string): string[] {
  let words: unknown;
  try {
    words = text.startsWith('[') ? JSON.parse(text) : [text];
  } catch {
    words = undefined;
  }
  if (!Array.isArray(words) || words.length === 0 || !words.every((word) => typeof word === 'string')) {
    refuseUsage(
      `the command of --${flag} is no JSON array of words`,
      'For example: command:["op","read","op://sync/token"]',
    );
  }
  return words;
}
