/** Reads TypeScript sources as text and tells who imports whom; the ground of the architecture test. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';

export interface Import {
  /** As written, e.g. `./item.js` or `node:fs`. */
  specifier: string;
  /** Path from the root with `/`, e.g. `src/core/nouns/item.ts`; undefined for a package or built-in. */
  file: string | undefined;
  /** `type`: gone after compiling; `static`: loaded with the importer; `lazy`: `import()` at the point of use. */
  kind: 'type' | 'static' | 'lazy';
}

export interface Source {
  path: string;
  text: string;
  /** The text with comments blanked out, line numbers kept. */
  code: string;
  imports: Import[];
}

/** Every .ts file under `root/folder`, by its path from the root, in alphabetical order. */
export function readSources(root: string, folder: string): Map<string, Source> {
  const paths = listFiles(join(root, folder)).map((file) => relative(root, file).split(sep).join('/'));
  return new Map(paths.sort().map((path) => [path, parseSource(path, readFileSync(join(root, path), 'utf8'))]));
}

export function parseSource(path: string, text: string): Source {
  const code = blankComments(text);
  return { path, text, code, imports: findImports(path, code) };
}

/** Import cycles, of types too: a file that needs the other's words cannot be read alone. Each as its files, the first one again at the end. */
export function findCycles(sources: ReadonlyMap<string, Source>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      cycles.push([...trail.slice(at), path]);
      return;
    }
    if (done.has(path)) return;
    for (const next of neighbours(sources.get(path), ['static', 'lazy', 'type'])) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of sources.keys()) visit(path, []);
  return cycles;
}

/** Packages and built-ins that are loaded when `path` is: through static imports only. */
export function loadedPackages(sources: ReadonlyMap<string, Source>, path: string): Set<string> {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { kind, specifier, file: target } of sources.get(file)?.imports ?? []) {
      if (kind !== 'static') continue;
      if (target === undefined) packages.add(specifier);
      else visit(target);
    }
  };
  visit(path);
  return packages;
}

function neighbours(source: Source | undefined, kinds: readonly Import['kind'][]): string[] {
  return (source?.imports ?? [])
    .filter((entry) => kinds.includes(entry.kind))
    .flatMap((entry) => (entry.file === undefined ? [] : [entry.file]));
}

const STATIC = /^\s*(?:import|export)\s+(?:(?<type>type)\s+)?(?:[\w*\s{},$]+?\s+from\s+)?['"](?<from>[^'"]+)['"]/gm;
const LAZY = /\bimport\(\s*['"](?<from>[^'"]+)['"]\s*\)/g;

function findImports(path: string, code: string): Import[] {
  const found: Import[] = [];
  for (const { groups } of code.matchAll(STATIC)) {
    found.push(toImport(path, groups!['from']!, groups!['type'] === undefined ? 'static' : 'type'));
  }
  for (const match of code.matchAll(LAZY)) {
    // `typeof import('x')` and `import('x').Name` in a type position load nothing.
    const before = code.slice(0, match.index).trimEnd();
    const inType = before.endsWith('typeof') || /[:<|&]$/.test(before) || code[match.index + match[0].length] === '.';
    const awaited = before.endsWith('await');
    found.push(toImport(path, match.groups!['from']!, inType && !awaited ? 'type' : 'lazy'));
  }
  return found;
}

function toImport(from: string, specifier: string, kind: Import['kind']): Import {
  const local = specifier.startsWith('.');
  const file = local ? posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts') : undefined;
  return { specifier, file, kind };
}

/** Replaces comments by spaces; strings, templates and regular expressions that hold `//` stay as they are. */
function blankComments(text: string): string {
  const token = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|(?<![:\\/[])\/\/[^\n]*/g;
  return text.replace(token, (found) => (found.startsWith('/') ? found.replace(/[^\n]/g, ' ') : found));
}

function listFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return listFiles(path);
    return name.endsWith('.ts') && !name.endsWith('.d.ts') ? [path] : [];
  });
}

/** Root of the repository, from a test file's `import.meta.url` or this one's. */
export const ROOT = join(dirname(new URL(import.meta.url).pathname), '..', '..');
