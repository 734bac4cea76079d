#!/usr/bin/env node
/** Starts the command line from the compiled output; everything else is in src. */
import { mkdirSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

try {
  // Node >= 22 keeps compiled code between starts (-20 ms). In a directory of the user's own, never in a shared /tmp:
  // whoever can write there could run code with the user's credentials.
  const caches = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const directory = process.env['SYNCQ_CACHE_DIR'] || join(caches, 'syncq');
  if (module.enableCompileCache !== undefined) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    module.enableCompileCache(join(directory, 'compiled'));
  }
} catch {
  // No home or no room: start-up is a little slower, nothing else.
}

const { execute } = await import('@oclif/core');
await execute({ dir: import.meta.url });
