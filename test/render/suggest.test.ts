import { expect, test } from '@jest/globals';

import { suggestFor } from '../../src/render/suggest.js';

const COMMANDS = ['retry', 'doctor', 'target:list', 'target:add', 'run'];
const here = suggestFor({ queue: 'a b.db', config: undefined }, COMMANDS);

test.each([
  ['syncq retry 7', "syncq retry --queue 'a b.db' 7"],
  ['free room, then: syncq doctor', "free room, then: syncq doctor --queue 'a b.db'"],
  ['no targets: syncq target add NAME URL', "no targets: syncq target add --queue 'a b.db' NAME URL"],
  ['syncq run, or syncq doctor', "syncq run --queue 'a b.db', or syncq doctor --queue 'a b.db'"],
  ['Help: syncq retry --help', 'Help: syncq retry --help'],
  ['syncq doctor --queue copy.db --adopt', 'syncq doctor --queue copy.db --adopt'],
  ['syncq runs at night', 'syncq runs at night'],
  ['mysyncq run', 'mysyncq run'],
])('%s', (text, completed) => {
  expect(here(text)).toBe(completed);
});

test('names the config too, and nothing that was not named', () => {
  expect(suggestFor({ queue: '/q.db', config: 'c.json' }, COMMANDS)('syncq run')).toBe(
    'syncq run --queue /q.db --config c.json',
  );
  expect(suggestFor({ queue: 'a\u001b[2Jb', config: undefined }, COMMANDS)('syncq run')).not.toContain('\u001b');
  expect(suggestFor({ queue: undefined, config: undefined }, COMMANDS)('syncq run')).toBe('syncq run');
});
