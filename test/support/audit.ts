/** Checks a whole queue file through an open connection, as `doctor` does. */
import type { Finding } from '../../src/core/nouns/finding.js';
import { auditDerived, auditPages, PayloadAudit } from '../../src/core/store/sqlite/care/audit.js';
import type { Connection } from '../../src/core/store/sqlite/file/connection.js';

/** Empty = sound; notes are left out. */
export function auditQueue(connection: Connection): Finding[] {
  const damage = auditPages(connection);
  if (damage.length > 0) return damage;
  const payloads = new PayloadAudit(connection);
  payloads.next(0, Number.MAX_SAFE_INTEGER);
  const found = payloads.findings().filter(({ severity }) => severity !== 'note');
  return [...found, ...auditDerived(connection)];
}
