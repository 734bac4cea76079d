/** One command of a person while it is carried out. */
import type { Actor } from '../store.js';
import type { Connection } from './connection.js';
import type { Tally } from './tally.js';

export interface Change {
  connection: Connection;
  tally: Tally;
  by: Actor;
  now: number;
  queuePath: string;
}
