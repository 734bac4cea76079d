/** Runs named steps one after another, says how each went, and ends with a line of counts that .ci/run adds up. */

const results = { passed: 0, failed: 0 };

/** Runs one step. After a failed one the rest is not tried: each builds on those before it. */
export async function step(name, act) {
  if (results.failed > 0) return;
  const start = performance.now();
  try {
    await act();
    results.passed += 1;
    console.log(`ok     ${name} (${Math.round(performance.now() - start)} ms)`);
  } catch (error) {
    results.failed += 1;
    process.exitCode = 1;
    console.log(`FAILED ${name}\n${error instanceof Error ? error.message : String(error)}`);
  }
}

export function summary() {
  console.log(`Steps: ${results.passed} passed, ${results.failed} failed`);
}
