/** Loads a driver's package from node_modules. The bundle puts `bundled-driver.ts` in its place. */
import { createRequire } from 'node:module';

export const requireDriver: (name: string) => unknown = createRequire(import.meta.url);
