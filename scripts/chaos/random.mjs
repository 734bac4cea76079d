/** Seeded chance: what a run does follows from its seed, when it does it from the machine. */

/** Mulberry32: small, even enough, and the same everywhere. Numbers in [0, 1). */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A seed made of words and numbers (FNV-1a). */
export function seedOf(...parts) {
  let hash = 0x811c9dc5;
  for (const character of parts.join('/')) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return hash >>> 0;
}

export const pick = (random, list) => list[Math.floor(random() * list.length)];
/** How long until something happens that happens once in `mean` on average. */
export const exponential = (random, mean) => -Math.log(1 - random()) * mean;
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
