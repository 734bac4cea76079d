/**
 * A command that fails in-process leaves `process.exitCode` behind; with a single worker Jest itself would then exit
 * with it although every test passed.
 */
import { afterEach } from '@jest/globals';

afterEach(() => {
  process.exitCode = undefined;
});
