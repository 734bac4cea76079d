/**
 * Bundles the program for a fast start (docs/decisions): `dist/cli/boot.cjs` and `dist/cli/main.cjs`. Runs after tsc and
 * `oclif manifest`, whose output stays as it is for oclif's tools, for SYNCQ_NO_BUNDLE=1 and for the library.
 */
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OCLIF = realpathSync(join(ROOT, 'node_modules/@oclif/core'));
const requireHere = createRequire(import.meta.url);
const requireAsOclif = createRequire(join(OCLIF, 'package.json'));

const { name, version, description, type, oclif } = requireHere('../package.json');
const { commands } = requireHere('../oclif.manifest.json');

/** Heavy, ESM only, or with a binary: loaded from node_modules by the few commands that need them. */
const EXTERNAL = ['better-sqlite3-13', 'chalk', 'cli-table3', 'ky', 'ora', 'undici'];
/** What oclif looks for in development; esbuild would put in the whole compiler. */
const NEVER = ['typescript', 'ts-node', 'tsx'];
/** Node's modules that most commands end without: the HTTP stack alone costs 4 ms. */
const BUILTINS = [
  'child_process',
  'crypto',
  'dns',
  'fs/promises',
  'http',
  'https',
  'net',
  'perf_hooks',
  'readline',
  'tls',
  'tty',
];
/** What oclif needs only for help, for plugins or without a manifest: left out, and loaded from where oclif would. */
const RARE = ['cli-spinners', 'ejs', 'lilconfig', 'minimatch', 'semver', 'tinyglobby'];
/** In the bundle, evaluated when it is needed. */
const LATE = ['supports-color'];

const common = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'cjs',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  define: {
    'import.meta.url': 'syncqFileUrl',
    // package.json says which Node is needed, and npm checks it; oclif would look for its own package.json in ours.
    'process.env.OCLIF_DISABLE_ENGINE_WARNING': '"1"',
    SYNCQ_SQLITE_VERSION: JSON.stringify(requireHere('better-sqlite3/package.json').version),
  },
  banner: { js: "var syncqFileUrl = require('node:url').pathToFileURL(__filename).href;" },
};

await build({
  ...common,
  outfile: 'dist/cli/boot.cjs',
  external: [...EXTERNAL, '@oclif/core'],
  stdin: {
    resolveDir: ROOT,
    contents: `import { boot } from './src/cli/start/boot.ts'; void boot(__dirname, ${JSON.stringify(version)});`,
  },
});
const { metafile } = await build({
  ...common,
  outfile: 'dist/cli/main.cjs',
  metafile: true,
  external: [...EXTERNAL, ...NEVER, 'better-sqlite3/package.json'],
  stdin: { resolveDir: ROOT, contents: entry() },
  plugins: [
    replacements(),
    lazy('node', BUILTINS, requireHere, (module) => `require(${JSON.stringify(`node:${module}`)})`),
    lazy(
      'rare',
      RARE,
      requireAsOclif,
      (module) => `createRequire(createRequire(__filename).resolve('@oclif/core'))(${JSON.stringify(module)})`,
    ),
    lazy('late', LATE, requireAsOclif, (module) => `require(${JSON.stringify(requireAsOclif.resolve(module))})`),
  ],
});
importByBoot('dist/cli/main.cjs');
for (const [file, { bytes }] of Object.entries(metafile.outputs))
  console.log(`${file}: ${Math.round(bytes / 1024)} KiB`);
const heavy = Object.keys(metafile.inputs).filter((file) =>
  EXTERNAL.some((module) => file.includes(`node_modules/${module}/`)),
);
if (heavy.length > 0) throw new Error(`in the bundle, where they cost every start: ${heavy.join(', ')}`);

/**
 * Code that V8 deserialises from a cache has lost the right to `import()` (ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING on
 * Node 20), so packages are imported by boot.cjs, which is never cached that way; by `require` it may import itself.
 */
function importByBoot(file) {
  const output = join(ROOT, file);
  const text = readFileSync(output, 'utf8');
  const imports = /\bimport\("([^"]+)"\)/g;
  const names = new Set(Array.from(text.matchAll(imports), ([, name]) => name));
  if (names.size === 0) throw new Error('the bundle imports no package any more: is this still needed?');
  const importer = 'var syncqImport = module.importPackage ?? ((name) => import(name));\n';
  writeFileSync(output, importer + text.replace(imports, 'syncqImport("$1")'));
}

/** The commands of the manifest and the hooks of package.json, each evaluated when it is asked for. */
function entry() {
  const files = [
    ...Object.values(commands).map(({ relativePath }) => relativePath.join('/')),
    ...Object.values(oclif.hooks).flat(),
    oclif.helpClass,
  ];
  const modules = files.map((file) => file.replace(/^\.\//, '').replace(/\.js$/, ''));
  const source = (module) => JSON.stringify(`./${module.replace(/^dist\//, 'src/')}.ts`);
  return `
    import './src/cli/start/oclif-stand-in.ts';
    import { execute } from '@oclif/core/execute';
    import { registerModules } from './src/cli/start/bundled-modules.ts';
    registerModules({ ${modules.map((module) => `${JSON.stringify(module)}: () => import(${source(module)})`).join(', ')} });
    const pjson = ${JSON.stringify({ name, version, description, type, oclif })};
    export const start = (root) => execute({ loadOptions: { root, pjson, userPlugins: false } });
  `;
}

/** Makes a module's exports getters, so that it is loaded by the first one who uses it and not at start. */
function lazy(namespace, names, requireNow, load) {
  const known = new Set(names);
  return {
    name: `lazy-${namespace}`,
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^[^./]/ }, ({ path, kind, namespace: from }) => {
        const module = path.replace(/^node:/, '');
        if (!known.has(module) || kind === 'dynamic-import') return undefined;
        return from === namespace ? { path, external: true } : { path: module, namespace };
      });
      onLoad({ filter: /.*/, namespace }, ({ path }) => {
        const names = Object.keys(requireNow(path)).filter((key) => key !== 'default' && key !== '__esModule');
        const getters = names.map((key) => `get(${JSON.stringify(key)}, () => whole()[${JSON.stringify(key)}]);`);
        return {
          resolveDir: ROOT,
          contents: `
            const { createRequire } = require('node:module');
            const whole = () => ${load(path)};
            const get = (name, get) => Object.defineProperty(exports, name, { get, enumerable: true });
            Object.defineProperty(exports, '__esModule', { value: true });
            get('default', whole);
            ${getters.join('\n')}`.replace(namespace === 'rare' ? '' : /const \{ createRequire \}.*/, ''),
        };
      });
    },
  };
}

/** Where the bundle does otherwise than the separate files. Each replacement must fit once, or the build fails. */
function replacements() {
  const edits = [
    // Sorting a dozen ASCII names by locale loads ICU's collation: 6 ms.
    [/core[\\/]lib[\\/]config[\\/]plugin\.js$/, 'a.id.localeCompare(b.id)', '(a.id < b.id ? -1 : 1)'],
    // One small file; the promise would start the thread pool: 2 ms.
    [
      /core[\\/]lib[\\/]util[\\/]fs\.js$/,
      "await (0, promises_1.readFile)(path, 'utf8')",
      "(0, node_fs_1.readFileSync)(path, 'utf8')",
    ],
    // Nothing here asks for WSL; finding out reads three files.
    [/core[\\/]lib[\\/]util[\\/]os\.js$/, "(await import('wsl-utils')).isWsl ? 'wsl' : ", ''],
    // Whether stderr is a terminal matters only when something is logged: asking loads the TTY and net modules.
    [
      /debug[\\/]src[\\/]common\.js$/,
      'createDebug.useColors()',
      'Boolean(process.env.DEBUG) && createDebug.useColors()',
    ],
    // `bindings` looks for the binary in twelve places; bundled-driver.ts has seen that it is in this one.
    [
      /better-sqlite3[\\/]lib[\\/]database\.js$/,
      "require('bindings')('better_sqlite3.node')",
      "require(require.resolve('better-sqlite3/package.json').replace(/package\\.json$/, 'build/Release/better_sqlite3.node'))",
    ],
  ];
  return {
    name: 'replacements',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /\/module-loader$/ }, ({ importer }) =>
        importer.startsWith(OCLIF) ? { path: join(ROOT, 'src/cli/start/bundled-modules.ts') } : undefined,
      );
      // debug asks at once how colourful stderr is; oclif asks when it prints.
      onResolve({ filter: /^supports-color$/ }, ({ importer }) =>
        /[\\/]node_modules[\\/]debug[\\/]/.test(importer)
          ? { path: 'supports-color', namespace: 'nothing' }
          : undefined,
      );
      onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: 'module.exports = {};' }));
      onResolve({ filter: /\/driver-package\.js$/ }, () => ({
        path: join(ROOT, 'src/core/store/sqlite/file/bundled-driver.ts'),
      }));
      for (const [file, old, by] of edits) {
        onLoad({ filter: file }, ({ path }) => ({
          contents: replaceOnce(readFileSync(path, 'utf8'), old, by),
        }));
      }
    },
  };
}

function replaceOnce(text, old, by) {
  if (text.split(old).length !== 2) throw new Error(`what the bundle replaces is not there once any more: ${old}`);
  return text.replace(old, by);
}
