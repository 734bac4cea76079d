/** `status --follow`: reads the status every second and shows changes until a signal ends it. */
import { systemClock } from '../../core/nouns/clock.js';
import type { Queue } from '../../core/index.js';
import type { JsonObject } from '../../render/json.js';
import { jsonLine } from '../../render/json.js';
import { statusDocument } from '../../render/status-document.js';
import { statusView } from '../../render/status.js';
import type { Look } from '../../render/style.js';
import { fitScreen } from '../../render/wrap.js';
import type { ExitCode } from '../program/exit-codes.js';
import { EXIT, exitCodeOfSignal } from '../program/exit-codes.js';
import { catchSignals } from '../program/signals.js';

const PERIOD_MS = 1000;
const USUAL_ROWS = 24;
/** Cursor home, then clear below: no flicker, and the scrollback stays. */
const REDRAW = '\x1b[H\x1b[J';

export interface FollowOutput {
  look: () => Promise<Look>;
  print: (...lines: string[]) => Promise<void>;
  /** Under --json: one object a line, instead of the view. */
  printObject: ((document: JsonObject) => Promise<void>) | undefined;
  user: string;
  /** Opens the queue again, for a queue that did not exist at the start. */
  reopen: () => Promise<Queue>;
}

/** Returns the exit code, always that of a signal. */
export async function followStatus(
  first: Queue,
  { look, print, printObject, user, reopen }: FollowOutput,
): Promise<ExitCode> {
  let queue = first;
  const stopping = catchSignals();
  let before = '';
  try {
    while (!stopping.stop.aborted) {
      const report = await queue.status();
      if (!report.exists) queue = await reopen();
      const document = statusDocument(report);
      const shown = jsonLine(document);
      const now = await look();
      // On a terminal, relative times change by themselves.
      if (shown !== before || (now.terminal && printObject === undefined)) {
        if (printObject !== undefined) await printObject(document);
        else {
          const lines = await statusView(report, now, user);
          const rows = process.stdout.rows || USUAL_ROWS;
          await print(
            now.terminal ? `${REDRAW}${fitScreen(lines, now.columns, rows).join('\n')}` : `${lines.join('\n')}\n`,
          );
        }
      }
      before = shown;
      await systemClock.sleep(PERIOD_MS, stopping.stop);
    }
  } finally {
    stopping.dispose();
  }
  const signal = stopping.received();
  return signal === undefined ? EXIT.ok : exitCodeOfSignal(signal);
}
