/**
 * Loads the driver from the bundle (scripts/bundle.mjs): its JavaScript is in the bundle, its binary where npm installed
 * it. In any other case (another version, a binary elsewhere) the installed package is loaded instead.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import bundled from 'better-sqlite3';

/** Version of the driver in the bundle; the build inserts it. */
declare const SYNCQ_SQLITE_VERSION: string;

const require = createRequire(import.meta.url);

export function requireDriver(name: string): unknown {
  return name === 'better-sqlite3' && fits() ? bundled : require(name);
}

function fits(): boolean {
  try {
    const manifest = require.resolve('better-sqlite3/package.json');
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: unknown };
    return version === SYNCQ_SQLITE_VERSION && existsSync(join(dirname(manifest), 'build/Release/better_sqlite3.node'));
  } catch {
    return false;
  }
}
