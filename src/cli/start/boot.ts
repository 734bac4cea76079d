/**
 * Starts the program from one bundle with V8's cached code. `SYNCQ_NO_BUNDLE=1` starts the same program with oclif's
 * own loader from the separate files in dist. The build bundles this file to `boot.cjs`.
 */
import { readFileSync } from 'node:fs';
import nodeModule, { createRequire, wrap } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { constants, Script } from 'node:vm';
import { usePlainOutput } from './plain-output.js';
import { cacheFile, codeDirectory, ensurePrivate, readCode, writeCode } from './code-cache.js';

/** What the bundle exports. */
interface Program {
  /** @param root the package's directory */
  start(root: string): Promise<unknown>;
}

/** Commands that go on: a reader that stalls must not stop them in a write. */
const LASTING: ReadonlySet<string> = new Set(['run', 'watch', 'wait', 'rehearse', 'replay']);

/** Node has its own code cache from 22.1 on. */
const { enableCompileCache } = nodeModule as { enableCompileCache?: (directory: string) => unknown };

/** @param version of the package that the bundle belongs to */
export async function boot(directory: string, version: string): Promise<void> {
  const root = dirname(dirname(directory));
  if (process.env['SYNCQ_NO_BUNDLE'] === '1') {
    await import(pathToFileURL(join(directory, 'start/oclif-stand-in.js')).href);
    const { execute } = await import('@oclif/core');
    await execute({ loadOptions: { root, userPlugins: false } });
    return;
  }
  if (!LASTING.has(process.argv[2] ?? '')) usePlainOutput();
  await load(join(directory, 'main.cjs'), version).start(root);
}

function load(bundle: string, version: string): Program {
  const codes = trustedDirectory();
  if (enableCompileCache !== undefined) {
    if (codes !== undefined) enableCompileCache(join(codes, 'node'));
    return createRequire(bundle)(bundle) as Program;
  }
  return evaluate(bundle, codes === undefined ? undefined : cacheFile(codes, bundle, version));
}

function trustedDirectory(): string | undefined {
  const directory = codeDirectory(process.env);
  return directory !== undefined && ensurePrivate(directory) ? directory : undefined;
}

/** Like `require`, with the code cache: for Node 20. */
function evaluate(bundle: string, cache: string | undefined): Program {
  const cachedData = cache === undefined ? undefined : readCode(cache);
  // The bundle is ASCII: one byte per character.
  const script = new Script(wrap(readFileSync(bundle, 'latin1')), {
    filename: bundle,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  if (cache !== undefined && (cachedData === undefined || script.cachedDataRejected === true)) {
    // Written at exit, when everything this command needs is compiled.
    process.once('exit', () => writeCode(cache, script.createCachedData()));
  }
  // Code from the cache cannot import by itself; see scripts/bundle.mjs.
  const importPackage = (name: string): Promise<unknown> => import(name);
  const module: { exports: unknown; importPackage: typeof importPackage } = { exports: {}, importPackage };
  const run = script.runInThisContext() as Wrapped;
  run.call(module.exports, module.exports, createRequire(bundle), module, bundle, dirname(bundle));
  return module.exports as Program;
}

type Wrapped = (
  this: unknown,
  exports: unknown,
  require: unknown,
  module: unknown,
  file: string,
  directory: string,
) => void;
