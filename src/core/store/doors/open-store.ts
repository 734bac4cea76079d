/** Opens the store that keeps a queue, whichever it is. */
export { openSqliteStore } from '../sqlite/store.js';
