import { describe, expect, test } from '@jest/globals';

describe('the test set-up', () => {
  test('console.log writes the bare line to stdout', () => {
    const lines: string[] = [];
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = (chunk: string | Uint8Array): boolean => {
      lines.push(String(chunk));
      return true;
    };
    try {
      console.log('plain');
    } finally {
      process.stdout.write = write;
    }
    expect(lines).toEqual(['plain\n']);
  });

  test('a first test leaves an exit code behind', () => {
    process.exitCode = 5;
    expect(process.exitCode).toBe(5);
  });

  test('the next test starts without it', () => {
    expect(process.exitCode).toBeUndefined();
  });
});
