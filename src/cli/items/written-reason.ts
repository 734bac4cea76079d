/** Reads a reason in a person's own words, as opposed to the review reason that is a filter. */
import { REVIEW_REASONS } from '../../core/nouns/item.js';
import { refuseUsage } from '../program/usage.js';

/** @throws {QueueError} code 'usage' for an empty one, and for one that looks like a filter */
export function writtenReason(text: string, filterFlag: string): string {
  if (text.trim() === '') refuseUsage('--reason is empty', 'Say how you know, for whoever looks at it later.');
  if (REVIEW_REASONS.some((reason) => reason === text.trim())) {
    refuseUsage(
      `--reason ${text.trim()} chooses nothing here; nothing was changed`,
      `To choose items by it: ${filterFlag} ${text.trim()}. In --reason say why, in words.`,
    );
  }
  return text;
}
