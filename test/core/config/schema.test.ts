import fs from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { Reader } from '../../../src/core/check/readers.js';
import { documentShape, parseConfig } from '../../../src/core/config/validate.js';
import { isQueueError } from '../../../src/core/nouns/errors.js';

/** The parts of JSON Schema that the published schema uses. */
interface Schema {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  default?: unknown;
  description?: string;
}

const repository = new URL('../../../', import.meta.url);
const schema = JSON.parse(fs.readFileSync(new URL('schema/config.schema.json', repository), 'utf8')) as Schema & {
  $defs: Record<string, Schema>;
};
const page = fs.readFileSync(new URL('docs/config.md', repository), 'utf8');

function resolve(node: Schema): Schema {
  const name = node.$ref?.replace('#/$defs/', '');
  return name === undefined ? node : (schema.$defs[name] ?? {});
}

/** Every key of the schema by its path; `NAME` stands for a freely chosen key of `targets`. */
function schemaKeys(node: Schema, path: string[] = []): Map<string, Schema> {
  const keys = new Map<string, Schema>();
  const { properties = {}, additionalProperties } = resolve(node);
  for (const [key, inner] of Object.entries(properties)) {
    keys.set([...path, key].join('.'), resolve(inner));
    for (const entry of schemaKeys(inner, [...path, key])) keys.set(...entry);
  }
  if (typeof additionalProperties === 'object') {
    for (const entry of schemaKeys(additionalProperties, [...path, 'NAME'])) keys.set(...entry);
  }
  return keys;
}

function readerKeys(reader: Reader<unknown>, path: string[] = []): string[] {
  const own = Object.entries(reader.fields ?? {}).flatMap(([key, inner]) => [
    [...path, key].join('.'),
    ...readerKeys(inner, [...path, key]),
  ]);
  return reader.entries === undefined ? own : [...own, ...readerKeys(reader.entries, [...path, 'NAME'])];
}

/** What else must stand beside a key for the document to be whole. */
function companions(path: string): [string, unknown][] {
  const at = 'targets.NAME.';
  if (!path.startsWith(at)) return path === 'defaultTarget' ? [['targets.production.baseUrl', 'https://x']] : [];
  const beside: Record<string, [string, unknown][]> = {
    'auth.basic.user': [['auth.basic.password', { env: 'X' }]],
    'auth.basic.password': [['auth.basic.user', 'x']],
    'auth.header.name': [['auth.header.value', { env: 'X' }]],
    'auth.header.value': [['auth.header.name', 'x']],
    'probe.method': [['probe.path', '/']],
    'tls.cert': [['tls.key', 'x']],
    'tls.key': [['tls.cert', 'x']],
  };
  const more = beside[path.slice(at.length)] ?? [];
  return [[`${at}baseUrl`, 'https://x'], ...more.map(([key, value]): [string, unknown] => [at + key, value])];
}

/** A whole document in which `path` has `value`; without a value only what must stand beside it. */
function documentWith(path: string, ...value: unknown[]): object {
  const document = {};
  for (const [key, inner] of [...companions(path), ...value.map((one): [string, unknown] => [path, one])]) {
    const steps = key.split('.');
    const last = steps.pop() ?? '';
    let node: Record<string, unknown> = document;
    for (const step of steps) node = (node[step] ??= {}) as Record<string, unknown>;
    node[last] = inner;
  }
  return document;
}

function parse(document: object): ReturnType<typeof parseConfig> {
  return parseConfig(document, { source: undefined, baseDir: '/etc' });
}

function isRefused(document: object): boolean {
  try {
    parse(document);
    return false;
  } catch (error) {
    if (isQueueError(error)) return true;
    throw error;
  }
}

const keys = schemaKeys(schema);

describe('the published schema', () => {
  test('knows exactly the keys that the validator knows', () => {
    expect([...keys.keys()].sort()).toEqual(readerKeys(documentShape).sort());
  });

  test('describes every key and allows no other', () => {
    for (const [path, node] of keys) {
      expect({ path, description: node.description }).toEqual({ path, description: expect.any(String) });
      const closed = node.properties === undefined || node.additionalProperties === false;
      expect({ path, closed }).toEqual({ path, closed: true });
    }
  });

  test.each([...keys].filter(([, node]) => node.default !== undefined))(
    'has the default of the validator for %s',
    (path, node) => {
      expect(parse(documentWith(path, node.default))).toEqual(parse(documentWith(path)));
    },
  );

  test.each([...keys].filter(([, node]) => node.minimum !== undefined))(
    'has the bounds of the validator for %s',
    (path, node) => {
      const least = node.minimum ?? 0;
      const most = node.maximum ?? 0;
      const refused = [least - 1, least, most, most + 1].map((value) => isRefused(documentWith(path, value)));
      expect(refused).toEqual([true, false, false, true]);
    },
  );

  test.each([...keys].filter(([, node]) => node.enum !== undefined))(
    'has the words of the validator for %s',
    (path, node) => {
      const words = node.enum ?? [];
      expect(words.filter((word) => isRefused(documentWith(path, word)))).toEqual([]);
      const { message } = refusalOf(documentWith(path, 'no such word'));
      expect(message.endsWith(`is not one of ${words.join(', ')}`)).toBe(true);
    },
  );
});

function refusalOf(document: object): Error {
  try {
    parse(document);
  } catch (error) {
    return error as Error;
  }
  throw new Error('accepted');
}

describe('the page on the config', () => {
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| `') && line.split(' | ').length === 5)
    .map((line) => line.replace(/^\| | \|$/g, '').split(' | '));
  const unquoted = (cell: string | undefined): string => (cell ?? '').trim().replace(/^`|`$/g, '');

  test('has a row for every setting, and no other', () => {
    const inner = /\.(?:env|file|command)$/;
    const settings = [...keys].filter(([path, node]) => node.properties === undefined && !inner.test(path));
    const secrets = [...keys].filter(([path, node]) => !inner.test(path) && node.properties?.['env'] !== undefined);
    const expected = [...settings, ...secrets].map(([path]) => path).filter((path) => path !== 'targets');
    expect(rows.map(([key]) => unquoted(key)).sort()).toEqual(expected.sort());
  });

  test.each(rows.map((row) => [unquoted(row[0]), row] as const))('says of %s what the schema says', (path, row) => {
    const node = keys.get(path);
    const [, meaning, range, byDefault] = row;
    if (node?.properties === undefined) expect(meaning?.trim()).toBe(node?.description);
    if (node?.default !== undefined) expect(JSON.parse(unquoted(byDefault))).toEqual(node.default);
    if (node?.minimum !== undefined) expect(range?.trim()).toBe(`${String(node.minimum)} to ${String(node.maximum)}`);
    if (node?.enum !== undefined) expect(range?.trim()).toBe(node.enum.map((word) => `\`${word}\``).join(', '));
  });

  test.each(rows.map((row) => [unquoted(row[0]), unquoted(row[4])] as const))(
    'has an example of %s that is taken',
    (path, example) => {
      const value = JSON.parse(example) as unknown;
      const config = parse(documentWith(path, value));
      // An example shows something: it is not the default.
      if (keys.get(path)?.default !== undefined) expect(config).not.toEqual(parse(documentWith(path)));
    },
  );

  test('has durations whose bounds are the validator’s', () => {
    const bounded = rows.flatMap(([key, , range]) => {
      const found = /^`(\d+(?:ms|[smhd]))` to `(\d+)([smhd])`/.exec(range?.trim() ?? '');
      return found === null ? [] : [{ path: unquoted(key), least: found[1], most: Number(found[2]), unit: found[3] }];
    });
    expect(bounded).toHaveLength(7);
    for (const { path, least, most, unit } of bounded) {
      const values = [least, `${String(most)}${unit ?? ''}`, `${String(most + 1)}${unit ?? ''}`];
      // A retry.cap of the least is below the base, which is another mistake.
      const [low, high, tooHigh] = values.map((value) => isRefused(documentWith(path, value)));
      expect({ path, low, high, tooHigh }).toEqual({ path, low: path.endsWith('.cap'), high: false, tooHigh: true });
    }
  });

  const example = JSON.parse(/```json\n(.*?)```/s.exec(page)?.[1] ?? '{}') as object;

  test('has a sample that is valid', () => {
    expect([...parse(example).targets.keys()]).toEqual(['production', 'staging']);
  });

  test('begins with ten keys that exist, and the sample uses each', () => {
    const first = page
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .slice(0, 10)
      .map((line) => unquoted(line.split(' | ')[0]?.slice(2)));
    const isUsed = (node: unknown, [step, ...rest]: string[]): boolean => {
      if (step === undefined) return node !== undefined;
      const inner = Object.entries(node ?? {}).filter(([key]) => step === 'NAME' || key === step);
      return inner.some(([, value]) => isUsed(value, rest));
    };
    expect(first.filter((key) => !keys.has(key) || !isUsed(example, key.split('.')))).toEqual([]);
  });
});
