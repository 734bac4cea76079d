/** Waits for what nobody announces: looks every few milliseconds. */
export async function until(holds: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('it did not come true');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
