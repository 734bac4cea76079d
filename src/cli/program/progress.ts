/** Shows the progress of a long command on one line of stderr: only on a terminal, and only after a short delay. */
import { systemClock } from '../../core/nouns/clock.js';
import { oneLine } from '../../render/printable.js';
import { progressText } from '../../render/progress.js';

export interface Progress {
  /** False where nobody sees it: what it costs to find out a total can be saved. */
  readonly isShown: boolean;
  /** How far the work is; `total` undefined = not known. Cheap, may be called often. Draws even if no timer can run. */
  update(done: number, total?: number): void;
  /** Removes the line. Call it before anything else is printed. */
  stop(): void;
}

/** ms. Commands that end sooner show no progress. */
const SHOW_AFTER_MS = 300;
/** Shortest time between two frames, ms. */
const FRAME_MS = 100;

const NO_PROGRESS: Progress = { isShown: false, update: () => undefined, stop: () => undefined };

/** @param wanted false under --json and --quiet */
export async function startProgress(label: string, wanted: boolean): Promise<Progress> {
  // ora loops for ever on a terminal of no columns, as `script` makes one without a terminal of its own.
  if (!wanted || !process.stderr.isTTY || process.stderr.columns === 0) return NO_PROGRESS;
  const start = systemClock.monotonic();
  let stopped = false;
  let drawnAt = start;
  // Loaded now: busy work leaves the event loop no time to load it.
  const { default: ora } = await import('ora');
  // discardStdin would put the terminal in raw mode and discard what is typed ahead; hideCursor would listen for signals.
  const spinner = ora({ text: oneLine(label), stream: process.stderr, discardStdin: false, hideCursor: false });
  const show = (): void => {
    if (!stopped && !spinner.isSpinning) spinner.start();
  };
  const timer = setTimeout(show, SHOW_AFTER_MS);
  timer.unref();
  return {
    isShown: true,
    update: (done, total) => {
      const now = systemClock.monotonic();
      if (now - start < SHOW_AFTER_MS || now - drawnAt < FRAME_MS) return;
      drawnAt = now;
      spinner.text = oneLine(progressText(label, done, total, now - start));
      show();
      spinner.render();
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      spinner.stop();
    },
  };
}
