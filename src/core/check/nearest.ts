/** Suggests the known word that a mistyped word was meant to be. */

/** Most edits between a word and its suggestion. */
const MOST_EDITS = 3;

/** The known word nearest to `word` (case ignored); undefined when none is near enough. */
export function nearestWord(word: string, known: readonly string[]): string | undefined {
  // No known word is that long; skipping it bounds the cost.
  if (word.length > 64) return undefined;
  const wanted = word.toLowerCase();
  const allowed = Math.min(MOST_EDITS, Math.floor(wanted.length / 2));
  let best: { word: string; edits: number } | undefined;
  for (const candidate of known) {
    const edits = editDistance(wanted, candidate.toLowerCase());
    if (edits <= allowed && edits < (best?.edits ?? Infinity)) best = { word: candidate, edits };
  }
  return best?.word;
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
