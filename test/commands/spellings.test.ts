/** What is sensitive is in nothing that a person or another program gets to see, however the server spells it. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { runCli } from '../support/cli.js';
import type { Answer } from '../support/rest-server.js';
import { startServer } from '../support/rest-server.js';
import { testHome } from '../support/temp.js';

const ascii = (text: string): string =>
  JSON.stringify(text).replace(/[^ -~]/g, (unit) => `\\u00${unit.charCodeAt(0).toString(16)}`);
const html = (text: string): string => text.replaceAll('"', '&quot;').replaceAll("'", '&#39;');
const refused = (type: string, body: string): Answer => ({ status: 422, headers: { 'content-type': type }, body });
const moved = (location: string): Answer => ({ status: 302, headers: { location } });

const OHARA = `{"name":"O'Hara \\"X\\" Ås"}`;
const CASES: [string, string, Answer, RegExp][] = [
  ['a redirect', '{"name":"Jørgen Ås"}', moved('/p/J%C3%B8rgen%20%C3%85s'), /rgen|%85s/i],
  ['a redirect as of a form', '{"name":"Jørgen Ås"}', moved('/p/J%c3%b8rgen+%c3%85s'), /rgen|%85s/i],
  ['a redirect with an e-mail', '{"name":"kari@example.com"}', moved('/p/kari%40example.com'), /kari/],
  ['the raw request', '{"name":"J\\u00f8rgen"}', refused('text/plain', 'no {"name":"J\\u00f8rgen"} here'), /rgen/],
  ['a raw break', '{"name":"line\\nbreak\\/x"}', refused('text/plain', 'no "line\\nbreak\\/x" here'), /break/],
  [
    'JSON in ASCII',
    '{"name":"Jørgen/Ås"}',
    refused('application/json', `{"message":${ascii('no Jørgen/Ås here').replaceAll('/', '\\/')}}`),
    /rgen/,
  ],
  ['HTML', OHARA, refused('text/html', `<p>no place for ${html('O\'Hara "X" Ås')} here</p>`), /Hara/],
  ['JSON within JSON', OHARA, refused('application/json', JSON.stringify({ message: `no ${OHARA} here` })), /Hara/],
];

test.each(CASES)('nothing tells what %s quotes', async (_what, payload, reply, original) => {
  const server = await startServer({ answer: () => reply });
  const { cwd } = testHome();
  const [hook, told, bundle] = ['hook.sh', 'told', 'r.bundle'].map((name) => join(cwd, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(hook, `#!/bin/sh\ncat >> '${told}'\n`);
  chmodSync(hook, 0o700);
  const config = { targets: { crm: { baseUrl: server.url } }, sensitive: ['name'], hooks: { review: [hook] } };
  writeFileSync(join(cwd, 'syncq.json'), JSON.stringify(config), { mode: 0o600 });
  expect((await runCli('enqueue', 'POST', '/people', '-d', payload)).code).toBe(0);

  const shown = [
    await runCli('run', '--events'),
    await runCli('status'),
    await runCli('status', '--json'),
    await runCli('inspect'),
    await runCli('inspect', '--json'),
    await runCli('inspect', '1'),
    await runCli('inspect', '1', '--json'),
    await runCli('history', '1'),
  ].map(({ stdout, stderr }) => stdout + stderr);
  expect(shown[0]).toContain('***');
  expect(existsSync(told)).toBe(true);
  const lastError = /"lastError":\{[^}]*\}/.exec((await runCli('export', '--format', 'ndjson')).stdout)?.[0];
  expect(lastError).toContain('***');
  await runCli('export', '--redact', '--output', bundle);
  const items = readFileSync(bundle, 'utf8').split('\n').slice(2).join('\n');
  expect(items).toContain('"payload":{"name":');
  for (const text of [...shown, lastError, readFileSync(told, 'utf8'), items]) expect(text).not.toMatch(original);
});
