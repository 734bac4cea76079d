/** Compares the schema of a queue file with ours: a foreign trigger could rewrite what people enqueue. */
import { QueueError } from '../../../nouns/errors.js';
import type { Database } from './driver.js';
import { RENEWED } from '../sql/migrations.js';
import { CREATE_SCHEMA, SCHEMA_VERSION } from '../sql/schema.js';

interface SchemaFault {
  /** For people, e.g. `the trigger "evil" on item is not syncq's`. */
  message: string;
  /** How to mend it: SQL to run in the file, where SQL can mend it. */
  next: string;
}

interface SchemaRow {
  type: 'table' | 'index' | 'view' | 'trigger';
  name: string;
  tbl_name: string;
  sql: string | null;
  /** Its name, hex-encoded. */
  hex: string;
}

let statements: ReadonlyMap<string, string> | undefined;

/** Name → statement, as SQLite stores it. Only a CREATE at the start of a line begins a statement. */
function ours(): ReadonlyMap<string, string> {
  statements ??= new Map(
    CREATE_SCHEMA.trim()
      .slice(0, -1)
      .split(/;\s*^(?=CREATE )/m)
      .map((sql) => [/^CREATE \w+ (\w+)/.exec(sql)?.[1] ?? '', sql]),
  );
  return statements;
}

/** A migrated file differs from a new one in spaces and comments; strings and quoted names must be equal. */
const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[^]*?(?:\*\/|$)|[\w.]+|\S/g;

function tokens(sql: string): string {
  // SQLite puts the name of a renamed table in quotes.
  const found = sql.replace(/^(CREATE \w+ )"(\w+)"/, '$1$2').match(TOKEN) ?? [];
  return found.filter((token) => !token.startsWith('--') && !token.startsWith('/*')).join(' ');
}

const isSame = (sql: string | null, known: string): boolean =>
  sql === known || (sql !== null && tokens(sql) === tokens(known));

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
/** Characters that a terminal shows unchanged, so that a person can copy them. */
const PLAIN = /^[\p{L}\p{N} -~]*$/u;
const shown = (name: string): string => (PLAIN.test(name) ? quoted(name) : JSON.stringify(name));

function drop({ type, name, hex }: SchemaRow): string {
  if (PLAIN.test(name)) return `DROP ${type.toUpperCase()} ${quoted(name)}`;
  return `PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE hex(name) = '${hex}'; PRAGMA writable_schema = RESET; VACUUM`;
}

/**
 * Differences from our schema (`faults`), and tables and views of other programs (`others`), which are allowed. In an older
 * file, parts that a migration will change may differ.
 */
export function compareSchema(
  db: Database,
  version = db.pragma('user_version', { simple: true }),
): { faults: SchemaFault[]; others: string[] } {
  const isPresent = version === SCHEMA_VERSION;
  const mayDiffer = (name: string): boolean => !isPresent && RENEWED.has(name);
  const known = ours();
  const rows = db.prepare('SELECT type, name, tbl_name, sql, hex(name) AS hex FROM sqlite_schema').all() as SchemaRow[];
  const faults: SchemaFault[] = [];
  const others: string[] = [];
  for (const row of rows) {
    const sql = known.get(row.name);
    if (sql !== undefined) {
      if (!isSame(row.sql, sql) && (row.type === 'trigger' || !mayDiffer(row.name))) faults.push(differs(row, sql));
    } else if (row.type === 'table' || row.type === 'view') {
      if (!row.name.startsWith('sqlite_')) others.push(row.name);
    } else if (row.sql !== null && known.has(row.tbl_name.toLowerCase())) {
      faults.push({
        message: `the ${row.type} ${shown(row.name)} on ${row.tbl_name} is not syncq's`,
        next: drop(row),
      });
    }
  }
  const names = new Set(rows.map(({ name }) => name));
  for (const [name, sql] of known) if (!names.has(name) && !mayDiffer(name)) faults.push(missing(name, sql));
  return { faults, others };
}

const RESTORE = 'no statement mends that: restore a backup, or save what can be read (syncq doctor --save FILE)';

const isTable = (sql: string): boolean => sql.startsWith('CREATE TABLE');
/** Only the tables' statements hold comments. */
const inOneLine = (sql: string): string => sql.replace(/\s+/g, ' ');

function missing(name: string, sql: string): SchemaFault {
  const next = isTable(sql) ? RESTORE : inOneLine(sql);
  return { message: `syncq's own ${quoted(name)} is missing`, next };
}

function differs(row: SchemaRow, sql: string): SchemaFault {
  const message = `the ${row.type} ${quoted(row.name)} is not as syncq made it`;
  return { message, next: isTable(sql) ? RESTORE : `${drop(row)}; ${inOneLine(sql)}` };
}

/** The statement that creates the trigger of `outbox` has 10,000 characters. */
const LONGEST_HINT = 2_000;

/** @throws {QueueError} corrupt, with the statement that mends the schema */
export function assertKnownSchema(db: Database, path: string): void {
  const { faults } = compareSchema(db);
  // A lost table explains the other faults.
  const first = faults.find(({ next }) => next === RESTORE) ?? faults[0];
  if (first === undefined) return;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more: syncq doctor)` : '';
  throw new QueueError('corrupt', `${path}: ${first.message}${more}; nothing was stored or sent`, {
    hint: first.next.length > LONGEST_HINT ? 'syncq doctor prints the statement that mends it' : howTo(first),
  });
}

/**
 * For a file whose `user_version` is 0: somebody set it, unless there is no table yet.
 *
 * @throws {QueueError} corrupt, with the statement that puts the number back
 */
export function assertVersionKept(db: Database, path: string): void {
  if (db.prepare('SELECT 1 FROM sqlite_schema').get() === undefined) return;
  const message = `${path} has lost the version of its format (user_version is 0); nothing was changed, and what it holds is safe`;
  const isPresent = compareSchema(db, SCHEMA_VERSION).faults.length === 0;
  const next = isPresent ? `PRAGMA user_version = ${SCHEMA_VERSION}` : RESTORE;
  throw new QueueError('corrupt', message, { hint: howTo({ message, next }) });
}

/** The statement comes last, so that people can copy it. */
export function howTo({ next }: SchemaFault): string {
  return next === RESTORE ? next : `keep a copy of the file, then run this in it (sqlite3): ${next}`;
}
