/** Reads where a credential of a target comes from. A secret is never a value in the config, and no message shows one. */
import type { AuthConfig, SecretRef } from '../nouns/target.js';
import { headerName } from './header.js';
import type { Place, Reader } from '../check/readers.js';
import { command, fail, filePath, kindOf, object, text, refine } from '../check/readers.js';

const WAYS = '{ "env": "NAME" }, { "file": "PATH" } or { "command": ["PROGRAM", "ARGUMENT"] }';

const variableName: Reader<string> = (value, at) => {
  const name = text(value, at);
  // Never shown: a text that is not a name is likely the secret itself.
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return fail(at, 'is not the name of an environment variable; write it bare, such as API_TOKEN, without $');
  }
  return name;
};

const secretShape = object({ env: variableName, file: filePath, command });

/** Exactly one of env, file, command. A plain string is refused without showing it. */
export const secret: Reader<SecretRef> = Object.assign(
  (value: unknown, at: Place): SecretRef => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      const found = `found ${kindOf(value)}`;
      return fail(at, `a secret is never written into the config (${found}); say where it is kept: ${WAYS}`);
    }
    const given = secretShape(value, at);
    return hasOneKey(given) ? ({ ...given } as SecretRef) : fail(at, `needs exactly one of ${WAYS}`);
  },
  { fields: secretShape.fields ?? {} },
);

function hasOneKey(given: object): boolean {
  return Object.keys(given).length === 1;
}

const userName: Reader<string> = (value, at) => {
  const user = text(value, at);
  // RFC 7617, section 2: the first colon ends the user name.
  return user.includes(':') ? fail(at, 'holds a colon; basic authentication cannot carry it in a user name') : user;
};

const authShape = object({
  bearer: secret,
  basic: object({ user: userName, password: secret }, ['user', 'password']),
  header: object({ name: headerName, value: secret }, ['name', 'value']),
});

/** Exactly one of bearer (RFC 6750), basic (RFC 7617) or a header of the server's own. */
export const auth: Reader<AuthConfig> = refine(authShape, (given, at) => {
  const { bearer, basic, header } = given;
  if (hasOneKey(given)) {
    if (bearer !== undefined) return { kind: 'bearer', token: bearer };
    if (basic !== undefined) return { kind: 'basic', ...basic };
    if (header !== undefined) return { kind: 'header', ...header };
  }
  return fail(at, 'needs exactly one of bearer, basic, header');
});
