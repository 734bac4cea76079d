/** Shows the progress of a long command on one line of stderr: only on a terminal, and only after a short delay. */
import { oneLine } from '../../render/printable.js';

export interface Progress {
  /** Replaces the text. Cheap; may be called often. */
  update(text: string): void;
  /** Removes the line. Call it before anything else is printed. */
  stop(): void;
}

/** ms. Commands that end sooner show no progress. */
const SHOW_AFTER_MS = 300;

const NO_PROGRESS: Progress = { update: () => undefined, stop: () => undefined };

/** @param wanted false under --json and --quiet */
export function startProgress(text: string, wanted: boolean): Progress {
  if (!wanted || !process.stderr.isTTY) return NO_PROGRESS;
  let current = oneLine(text);
  let stopped = false;
  let spinner: { text: string; stop(): unknown } | undefined;
  const timer = setTimeout(() => {
    void import('ora').then(({ default: ora }) => {
      // discardStdin would put the terminal in raw mode and discard what is typed ahead.
      if (!stopped) spinner = ora({ text: current, stream: process.stderr, discardStdin: false }).start();
    });
  }, SHOW_AFTER_MS);
  timer.unref();
  return {
    update: (next) => {
      current = oneLine(next);
      if (spinner !== undefined) spinner.text = current;
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      spinner?.stop();
      spinner = undefined;
    },
  };
}
