/** Reads a table of another program's SQLite file. */
export { openForeignTable } from '../sqlite/foreign-table.js';
