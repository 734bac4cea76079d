/** Opens the store that keeps a queue, whichever it is. */
export { openSqliteStore } from '../sqlite/store.js';
/** For a queue that is not there yet. @throws {QueueError} driver-missing */
export { assertDriver } from '../sqlite/file/driver.js';
