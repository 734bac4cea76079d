/** Where a credential comes from. The one rule this file keeps: no secret is ever a value, and none is ever echoed. */
import type { AuthConfig, SecretRef } from '../nouns/target.js';
import { headerName } from './header.js';
import type { Place, Reader } from '../check/readers.js';
import { below, command, fail, filePath, kindOf, object, text } from '../check/readers.js';

const WAYS = '{ "env": "NAME" }, { "file": "PATH" } or { "command": ["PROGRAM", "ARGUMENT"] }';

const variableName: Reader<string> = (value, at) => {
  const name = text(value, at);
  // Not shown: what stands here instead of a name is likely the secret itself.
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return fail(at, 'is not the name of an environment variable; write it bare, such as API_TOKEN, without $');
  }
  return name;
};

const secretShape = object({ env: variableName, file: filePath, command });

/** Exactly one of env, file, command; a plain string is refused without showing it. */
export const secret: Reader<SecretRef> = Object.assign(
  (value: unknown, at: Place): SecretRef => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return fail(
        at,
        `a secret is never written into the config (found ${kindOf(value)}); say where it is kept: ${WAYS}`,
      );
    }
    const { env, file, command: argv } = secretShape(value, at);
    const given: SecretRef[] = [];
    if (env !== undefined) given.push({ env });
    if (file !== undefined) given.push({ file });
    if (argv !== undefined) given.push({ command: argv });
    const [only] = given;
    return given.length === 1 && only !== undefined ? only : fail(at, `needs exactly one of ${WAYS}`);
  },
  { fields: secretShape.fields ?? {} },
);

const userName: Reader<string> = (value, at) => {
  const user = text(value, at);
  // RFC 7617, section 2: the first colon ends the user name.
  return user.includes(':') ? fail(at, 'holds a colon; basic authentication cannot carry it in a user name') : user;
};

const authShape = object({
  bearer: secret,
  basic: object({ user: userName, password: secret }),
  header: object({ name: headerName, value: secret }),
});

/** Exactly one of bearer (RFC 6750), basic (RFC 7617) or a header of the server's own. */
export const auth: Reader<AuthConfig> = Object.assign(
  (value: unknown, at: Place): AuthConfig => {
    const { bearer, basic, header } = authShape(value, at);
    const given: AuthConfig[] = [];
    if (bearer !== undefined) given.push({ kind: 'bearer', token: bearer });
    if (basic !== undefined) {
      const inside = below(at, 'basic');
      given.push({
        kind: 'basic',
        user: need(basic.user, 'user', inside),
        password: need(basic.password, 'password', inside),
      });
    }
    if (header !== undefined) {
      const inside = below(at, 'header');
      given.push({
        kind: 'header',
        name: need(header.name, 'name', inside),
        value: need(header.value, 'value', inside),
      });
    }
    const [only] = given;
    return given.length === 1 && only !== undefined ? only : fail(at, 'needs exactly one of bearer, basic, header');
  },
  { fields: authShape.fields ?? {} },
);

function need<T>(value: T | undefined, key: string, at: Place): T {
  return value ?? fail(below(at, key), 'is missing');
}
