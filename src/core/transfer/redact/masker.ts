/** Hides in items that are shown on a screen what the config calls sensitive, as `inspect` does. */
import type { SensitivePatterns } from '../../nouns/sensitive.js';
import { hideValuesOf } from '../../privacy/hide-values.js';
import { maskJson } from '../../privacy/sensitive.js';
import type { ArchivedItem } from '../../store/archive.js';

export class Masker {
  readonly #patterns: SensitivePatterns;

  constructor(patterns: SensitivePatterns) {
    this.#patterns = patterns;
  }

  redact(item: ArchivedItem): ArchivedItem {
    const { payload } = item;
    const hide = hideValuesOf([payload, ...item.revisions.map((revision) => revision.payload)], this.#patterns);
    return {
      ...item,
      payload: payload === undefined ? undefined : maskJson(payload, this.#patterns),
      attempts: item.attempts.map((attempt) =>
        attempt.message === undefined ? attempt : { ...attempt, message: hide(attempt.message) },
      ),
    };
  }
}
