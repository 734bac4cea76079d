/** Lint rules, and who may import whom. `test/architecture.test.ts` checks the same boundaries without ESLint. */
import { fileURLToPath } from 'node:url';

import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import jest from 'eslint-plugin-jest';
import node from 'eslint-plugin-n';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const SQLITE = {
  regex: '^better-sqlite3',
  message: 'Only src/core/store/sqlite knows the driver.',
};
const TERMINAL = {
  regex: '^(@oclif/|chalk$|ora$|cli-table3$|(node:)?(console|readline|tty))',
  message: 'The core knows no terminal.',
};
const SURROUNDINGS = {
  regex: '^(node:)?(process|timers)(/|$)',
  message: 'The core knows no process and one clock: values and the Clock are passed in.',
};
const ABOVE_CORE = {
  regex: '^(\\.\\./)+(cli|render|commands)/',
  message: 'The core is imported by cli, render and commands, never the other way round.',
};
const COMMANDS = { regex: '(^|/)commands/', message: 'A command is nobody’s helper.' };
const STORE = {
  regex: '/core/store/(?!doors/|replay-ledger[.]js$)',
  message: 'The store is the core’s own; go through core/index.',
};

/** One rule entry; a later entry for the same file replaces an earlier one, so each folder lists all of its own. */
const restrictImports = (...patterns) => ({
  '@typescript-eslint/no-restricted-imports': ['error', { patterns }],
});

const CLOCK_MESSAGE = 'Time comes from the Clock that was handed in (src/core/nouns/clock.ts).';
const TIMERS = ['setTimeout', 'setInterval', 'setImmediate'];
const NO_PROCESS = { name: 'process', message: 'The core knows no process: values are passed in.' };
const NOW = [
  { object: 'Date', property: 'now', message: CLOCK_MESSAGE },
  { object: 'performance', property: 'now', message: CLOCK_MESSAGE },
];
const NEW_DATE = {
  selector: 'NewExpression[callee.name="Date"][arguments.length=0], CallExpression[callee.name="Date"]',
  message: CLOCK_MESSAGE,
};

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', 'node_modules/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: fileURLToPath(new URL('.', import.meta.url)) },
    },
    rules: {
      // Numbers and booleans print as one expects; everything else must be made a string on purpose.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `() => clearTimeout(timer)` is idiom, not confusion.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // `while (true)` around a claim loop is the plainest form.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // A leading underscore marks what an interface forces on us.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // An async method of an interface (the store is async for PostgreSQL's sake) may have nothing to await.
      '@typescript-eslint/require-await': 'off',
      // `env['SYNCQ_QUEUE']` says that the key is data; the type checker does not mind either form.
      '@typescript-eslint/dot-notation': 'off',
      // `row.get<ItemRow>()` names what a query answers; there is nothing to infer it from.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // `== null` covers null and undefined in one.
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-implicit-coercion': 'error',
    },
  },
  { files: ['bin/*.js'], languageOptions: { sourceType: 'commonjs' } },
  {
    files: ['**/*.{js,mjs}'],
    ignores: ['bin/**'],
    languageOptions: {
      ecmaVersion: 2023,
      sourceType: 'module',
      globals: Object.fromEntries(
        ['console', 'process', 'Buffer', 'URL', 'fetch', 'setTimeout', 'clearTimeout', 'performance'].map((name) => [
          name,
          'readonly',
        ]),
      ),
    },
    rules: { eqeqeq: 'error' },
  },
  {
    files: ['**/*.{ts,js,mjs}'],
    plugins: { n: node },
    settings: { node: { version: '>=20.19.0' } },
    rules: {
      'n/no-unsupported-features/node-builtins': [
        'error',
        // fetch is stable in practice since 18 and marked so in 21; crypto.hash is there from 20.12 on;
        // enableCompileCache is called only where it exists.
        {
          // vm.constants: what is used of it is stable in practice since 20.12.
          ignores: [
            'fetch',
            'Response',
            'Headers',
            'Request',
            'FormData',
            'crypto.hash',
            'module.enableCompileCache',
            'vm.constants',
          ],
        },
      ],
      'n/prefer-node-protocol': 'error',
      'n/no-deprecated-api': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 400 }],
      // Aim at 40; a factory that closes over its statements may hold a few more.
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      ...restrictImports(SQLITE),
    },
  },
  {
    files: ['src/core/**/*.ts'],
    rules: {
      ...restrictImports(SQLITE, TERMINAL, SURROUNDINGS, ABOVE_CORE),
      'no-console': 'error',
      'no-restricted-globals': ['error', NO_PROCESS, ...TIMERS.map((name) => ({ name, message: CLOCK_MESSAGE }))],
      'no-restricted-properties': ['error', ...NOW],
      'no-restricted-syntax': ['error', NEW_DATE],
    },
  },
  // The driver reads Node's version (node:process) to choose its binary.
  { files: ['src/core/store/sqlite/**/*.ts'], rules: restrictImports(TERMINAL, ABOVE_CORE) },
  // Who and where this process is: asked in one place.
  { files: ['src/core/nouns/host.ts'], rules: restrictImports(SQLITE, TERMINAL, ABOVE_CORE) },
  {
    files: ['src/core/nouns/clock.ts'],
    rules: { 'no-restricted-globals': ['error', NO_PROCESS], 'no-restricted-properties': 'off' },
  },
  {
    files: ['src/render/**/*.ts'],
    rules: {
      ...restrictImports(
        SQLITE,
        COMMANDS,
        { regex: '(^|/)cli/', message: 'Rendering is data in, text out.' },
        {
          // All of the core but its pure parts: policy/ and the closed lists of nouns/item.ts.
          regex: '/core/(?!policy/|nouns/item\\.js$)',
          allowTypeImports: true,
          message: 'Render takes types from the core, and functions only from core/policy.',
        },
      ),
      'no-console': 'error',
    },
  },
  { files: ['src/cli/**/*.ts'], rules: restrictImports(SQLITE, COMMANDS, STORE) },
  {
    files: ['src/commands/**/*.ts'],
    rules: {
      ...restrictImports(
        SQLITE,
        { regex: '^\\./|^(\\.\\./)+commands/', message: 'A command is nobody’s helper.' },
        { regex: '/core/(?!index\\.js$)', message: 'Commands know the core by its one door, core/index.' },
      ),
      'no-console': ['error'],
    },
  },
  {
    files: ['test/**/*.ts'],
    extends: [jest.configs['flat/recommended'], jest.configs['flat/style']],
    rules: {
      // Tests read JSON that programs printed: `any` is what comes out, and the assertion is the type check.
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      // `expect(() => store.claim())` and friends.
      '@typescript-eslint/unbound-method': 'off',
      // Helpers named expect…/assert… and fast-check's own assert are assertions too.
      'jest/expect-expect': ['error', { assertFunctionNames: ['expect', 'expect*', 'assert*', 'fc.assert'] }],
      // Property tests check inside a loop or a branch of the model.
      'jest/no-conditional-expect': 'off',
      // A test's name states a fact.
      'jest/valid-title': ['error', { mustNotMatch: { test: ['\\bshould\\b', 'State the fact.'] } }],
    },
  },
  prettier,
);
