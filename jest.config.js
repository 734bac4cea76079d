/**
 * Tests run the TypeScript sources as ES modules: `npm run jest -- test/some.test.ts` (it passes
 * `--experimental-vm-modules`, without which ESM-only packages cannot be loaded).
 *
 * @type {import('jest').Config}
 */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  // Imports end in .js, as Node wants them; in the sources the file is a .ts.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: { parser: { syntax: 'typescript' }, target: 'es2023', keepClassNames: true },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  setupFiles: ['<rootDir>/test/support/setup-console.ts', '<rootDir>/test/support/setup-properties.ts'],
  setupFilesAfterEnv: ['<rootDir>/test/support/setup-exit-code.ts'],
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts'],
  // Real servers and child processes on a busy two-core machine: 5 s, the default, is too near, and 30 s was met under load.
  testTimeout: 90_000,
};
