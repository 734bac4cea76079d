/**
 * Checks that package-lock.json serves other systems and registries too: every optional dependency has an entry (or
 * `npm ci` fails where it is wanted), and no entry names a registry's host.
 */
import { readFileSync } from 'node:fs';

const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
const problems = [];

for (const [path, entry] of Object.entries(lock.packages)) {
  if (entry.resolved !== undefined) problems.push(`${path} names where it was downloaded: ${entry.resolved}`);
  if (path !== '' && entry.integrity === undefined && entry.inBundle !== true) problems.push(`${path} has no checksum`);
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    if (find(path, name) === undefined) problems.push(`${path || 'the package'} wants ${name}, which has no entry`);
  }
}

/** The entry that `name` means inside the package at `from`: the nearest node_modules upwards, as Node looks it up. */
function find(from, name) {
  for (let at = from; ; at = at.includes('/node_modules/') ? at.slice(0, at.lastIndexOf('/node_modules/')) : '') {
    const entry = lock.packages[at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`];
    if (entry !== undefined || at === '') return entry;
  }
}

for (const problem of problems) console.error(problem);
console.log(`package-lock.json: ${Object.keys(lock.packages).length} entries, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
