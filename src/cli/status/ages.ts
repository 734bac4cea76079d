/** `status --ages`: the answer, then the ages of unfinished items. */
import type { Queue, StatusReport } from '../../core/index.js';
import { statusAnswer } from '../../core/policy/status-answer.js';
import { AGE_BOUNDS_MS, AGE_TITLES } from '../../core/policy/ages.js';
import { ageLines, agesDocument } from '../../render/ages.js';
import type { JsonObject } from '../../render/json.js';
import { oneLine } from '../../render/printable.js';
import { statusDocument } from '../../render/status-document.js';
import type { Look } from '../../render/style.js';

const COLUMNS = { titles: AGE_TITLES, boundsMs: AGE_BOUNDS_MS };

export async function ageView(
  queue: Queue,
  report: StatusReport,
  look: Look,
  user: string,
): Promise<{ document: JsonObject; lines: string[] }> {
  const rows = await queue.desk.ages();
  const table = await ageLines(rows, COLUMNS, look);
  const answer = look.terminal
    ? [...statusAnswer(report, look, user).map((line) => look.suggest(oneLine(line))), '']
    : [];
  return { document: { ...statusDocument(report), ages: agesDocument(rows, COLUMNS) }, lines: [...answer, ...table] };
}
