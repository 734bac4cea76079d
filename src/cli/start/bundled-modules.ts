/**
 * Replaces `@oclif/core/lib/module-loader` in the bundle, so that oclif finds commands and hooks in the bundle instead
 * of dist.
 */
import { relative, sep } from 'node:path';

/** Modules by their path below the package, without extension: `dist/commands/status`. */
type Modules = Readonly<Record<string, () => Promise<unknown>>>;

let modules: Modules = {};

export function registerModules(bundled: Modules): void {
  modules = bundled;
}

interface Loaded {
  filePath: string;
  isESM: boolean;
  module: unknown;
}

/** Same as oclif's; for hooks. */
export async function loadWithData(plugin: { root: string }, modulePath: string): Promise<Loaded> {
  return take(relative(plugin.root, modulePath).split(sep).join('/'), modulePath);
}

/** Same as oclif's; for commands in the manifest. */
export async function loadWithDataFromManifest(cached: { relativePath?: string[] }, root: string): Promise<Loaded> {
  return take((cached.relativePath ?? []).join('/'), root);
}

/** Same as oclif's; for a help class and similar modules. */
export async function load(plugin: { root: string }, modulePath: string): Promise<unknown> {
  return (await loadWithData(plugin, modulePath)).module;
}

async function take(name: string, filePath: string): Promise<Loaded> {
  const bundled = modules[name.replace(/\.js$/, '')];
  if (bundled === undefined) throw new Error(`${name} is not in the bundle`);
  return { filePath, isESM: true, module: await bundled() };
}
