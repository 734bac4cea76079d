/**
 * Gives tests the plain console, and an environment without what some shells and CI services say about output. Jest's own
 * console decorates every line ("console.log ... at ..."), and a command's captured stdout would be empty or full of that.
 */
import { Console } from 'node:console';

for (const name of ['FORCE_COLOR', 'DEBUG']) Reflect.deleteProperty(process.env, name);
globalThis.console = new Console({ stdout: process.stdout, stderr: process.stderr });
