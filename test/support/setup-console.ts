/**
 * Gives tests the plain console. Jest's own decorates every line ("console.log ... at ..."), and a command's captured
 * stdout would be empty or full of that.
 */
import { Console } from 'node:console';

globalThis.console = new Console({ stdout: process.stdout, stderr: process.stderr });
