/** Opens the ledger of one queue's replays to one target. */
export { openLedger } from '../sqlite/replay-ledger.js';
