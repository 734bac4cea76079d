/** The recipes of docs/servers.md: each config is valid, and its rules fit the answers that were recorded, and no others. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { parseConfig } from '../../src/core/config/validate.js';
import { ruleFor } from '../../src/core/policy/outcome-rules.js';
import type { TargetConfig } from '../../src/core/nouns/target.js';
import { ROOT } from '../support/source-graph.js';

const page = readFileSync(join(ROOT, 'docs', 'servers.md'), 'utf8');

/** Sections by title; of the overview, the titles that its table links to. */
const sections = new Map(
  page
    .split('\n## ')
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf('\n')), text] as const),
);
const kinds = [...page.matchAll(/^\| \[(.+?)\]\(#(.+?)\)/gm)].map(([, title = '', anchor]) => ({ title, anchor }));

/** The target that a recipe makes, or undefined where it needs no config. */
function targetOf(recipe: string): TargetConfig | undefined {
  const [, json] = /^```json\n(.*?)^```/ms.exec(recipe) ?? [];
  if (json === undefined) return undefined;
  const target = { baseUrl: 'https://api.example.org', ...(JSON.parse(json) as object) };
  return parseConfig({ targets: { example: target } }, { source: undefined, baseDir: '/etc/syncq' }).targets.get(
    'example',
  );
}

/** Answers of real servers to a repeat (json-server, Rails and Stripe: shortened): recipe, status, body, what it means. */
const RECORDED: [string, number, unknown, string | undefined][] = [
  [
    'Parse Server',
    400,
    { code: 137, error: 'A duplicate value for a field with unique values was provided' },
    'delivered',
  ],
  ['Parse Server', 400, { code: 159, error: 'Duplicate request' }, undefined],
  ['Parse Server', 400, { code: 142, error: 'phone is required' }, undefined],
  ['Directus', 400, { errors: [{ extensions: { field: 'id', code: 'RECORD_NOT_UNIQUE' } }] }, 'delivered'],
  ['Directus', 400, { errors: [{ extensions: { field: 'code', code: 'RECORD_NOT_UNIQUE' } }] }, undefined],
  ['Directus', 400, { errors: [{ extensions: { field: 'id', code: 'FAILED_VALIDATION' } }] }, undefined],
  ['Directus', 403, { errors: [{ extensions: { code: 'FORBIDDEN' } }] }, undefined],
  ['json-server', 500, 'Error: Insert failed, duplicate id', 'conflict'],
  ['npm registry', 409, { error: 'this package is already present' }, 'delivered'],
  ['Stripe-like keys', 409, { error: { code: 'idempotency_key_in_use' } }, 'transient'],
  ['Stripe-like keys', 400, { error: { type: 'idempotency_error' } }, undefined],
  ['Stripe-like keys', 500, { error: { type: 'api_error' } }, undefined],
  ['Django REST framework', 400, { uuid: ['activity with this uuid already exists.'] }, 'delivered'],
  ['Django REST framework', 400, { name: ['This field may not be blank.'] }, undefined],
  ['Rails', 422, { uuid: ['has already been taken'] }, 'delivered'],
  ['Rails', 422, { name: ["can't be blank"] }, undefined],
  ['Rails', 409, '', undefined],
];

describe('docs/servers.md', () => {
  test('has every kind of server of its table as a section, and no other', () => {
    const anchors = [...sections.keys()].slice(1).map((title) => title.toLowerCase().replaceAll(/[^a-z -]/g, ''));
    expect(kinds.map(({ anchor }) => anchor)).toEqual(anchors.map((title) => title.replaceAll(' ', '-')));
  });

  test.each([...sections].slice(1))('says of %s whether it was tried', (_title, text) => {
    expect(text.split('\n')[2]).toMatch(/^(?:Tried|Read only): \S/);
  });

  test.each([...sections])(
    'has only valid configs for %s, and none that takes a first refusal for done',
    (_title, text) => {
      const target = targetOf(text);
      expect(text.split('```json').length - 1).toBe(target === undefined ? 0 : 1);
      expect((target?.outcomes ?? []).every(({ onlyRepeat }) => onlyRepeat)).toBe(true);
    },
  );

  test.each(RECORDED)('the recipe for %s makes of %d %j what it says', (title, status, body, means) => {
    const target = targetOf(sections.get(title) ?? '');
    const answer = {
      headers: {},
      body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
      complete: true,
    };
    const rules = target?.outcomes ?? [];
    expect(ruleFor(rules, status, answer, { repeatOf: 1 })?.means).toBe(means);
    if (means === 'delivered') expect(ruleFor(rules, status, answer, {})).toBeUndefined();
  });

  test('a kept answer of Stripe is told by its header', () => {
    const answer = { headers: { 'idempotent-replayed': 'true' }, body: Buffer.from('{}'), complete: true };
    const { outcomes } = targetOf(sections.get('Stripe-like keys') ?? '')!;
    expect(ruleFor(outcomes, 500, answer, {})?.means).toBe('rejected');
  });
});
