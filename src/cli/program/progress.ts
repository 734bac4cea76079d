/** One line on stderr that says how far a long command is: only on a terminal, and only when it does take long. */
import { oneLine } from '../../render/printable.js';

export interface Progress {
  /** Replaces the text; cheap, may be called often. */
  update(text: string): void;
  /** Takes the line away. Call before anything else is printed. */
  stop(): void;
}

/** Commands that end sooner show nothing: a line that flashes tells nobody anything. */
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
      // discardStdin would put the terminal in raw mode and eat what is typed ahead.
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
