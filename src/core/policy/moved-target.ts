/** The hold of a target whose base URL was changed while attempts to the old one are open. Pure. */
import { reasonOf } from './reasons.js';
import { shellWord } from './shell-word.js';

export function movedReason(name: string, from: string, to: string): string {
  return reasonOf('moved', `${from} to ${to}: ${acceptCommand(name)}`);
}

/** Only a person can confirm the new base URL, so nothing else ends such a hold. */
export function acceptCommand(name: string): string {
  return `syncq target accept ${shellWord(name)}`;
}
