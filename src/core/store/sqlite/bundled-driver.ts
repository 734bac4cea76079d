/**
 * The driver's package inside the bundle (scripts/bundle.mjs): its JavaScript comes out of the bundle, its binary from
 * where it is installed. Anything unusual (another version, its binary elsewhere) is left to the package itself.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import bundled from 'better-sqlite3';

/** Of the JavaScript in the bundle; put in by the build. */
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
