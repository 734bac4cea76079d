/** The reason of a target whose base URL was changed while attempts to the old one are open, and what it asks for. Pure. */
import { reasonOf } from './reasons.js';
import { shellWord } from './shell-word.js';

export function movedReason(name: string, from: string, to: string): string {
  return reasonOf('moved', `${from} to ${to}: ${acceptCommand(name)}`);
}

/** Only a person can say that the new base URL is meant: nothing else ends such a hold. */
export function acceptCommand(name: string): string {
  return `syncq target accept ${shellWord(name)}`;
}
