/** The terminal of the live view: switches to the alternate screen, draws changes, and always restores the terminal. */
import type { Queue, QueueEvent } from '../../core/index.js';
import type { LiveState, Sending } from '../../render/live.js';
import { liveLines } from '../../render/live.js';
import type { Look } from '../../render/style.js';
import type { Shower } from './watch.js';

/** Shortest time between frames, ms: a drain of thousands must not spend its time drawing. */
const FRAME_MS = 200;
/** Redraws regularly, because relative times and curves change by themselves. */
const SECOND_MS = 1000;
const HISTORY = 120;
const RECENT = 100;

/** Alternate screen, hidden cursor, no line wrap; and back. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[2J';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';

export interface LiveOutput {
  look: () => Promise<Look>;
  /** Called for `q` or Ctrl-C: stop the watch. */
  leave: () => void;
}

export function liveView(queue: Pick<Queue, 'status'>, { look, leave }: LiveOutput): Shower {
  const state = new Gathered();
  const screen = takeScreen(() => {
    state.isStopping = true;
    isStale = true;
    leave();
  });
  let isStale = true;
  let drawing: Promise<void> | undefined;
  const draw = async (): Promise<void> => {
    isStale = false;
    state.report = await queue.status();
    const now = await look();
    await screen.draw(liveLines(state, now, process.stdout.rows || 24));
  };
  const redraw = (): void => {
    // A failed draw must not stop sending.
    drawing ??= draw()
      .catch(() => undefined)
      .finally(() => (drawing = undefined));
  };
  const onResize = (): void => {
    screen.clear();
    redraw();
  };
  const frames = setInterval(() => {
    if (isStale) redraw();
  }, FRAME_MS);
  const seconds = setInterval(() => {
    state.tick();
    isStale = true;
  }, SECOND_MS);
  process.stdout.on('resize', onResize);
  redraw();
  return {
    show: async (event) => {
      state.add(event);
      isStale = true;
    },
    end: async () => {
      clearInterval(frames);
      clearInterval(seconds);
      process.stdout.off('resize', onResize);
      await drawing;
      screen.giveBack();
    },
  };
}

class Gathered implements LiveState {
  report: LiveState['report'];
  readonly delivered: number[] = [];
  readonly backlog: number[] = [];
  readonly recent: QueueEvent[] = [];
  totalDelivered = 0;
  isStopping = false;
  startedAt = Date.now();
  readonly #sending = new Map<number, Sending>();
  #thisSecond = 0;

  get sending(): Sending[] {
    return [...this.#sending.values()];
  }

  add(event: QueueEvent): void {
    if (event.event === 'sending') {
      this.#sending.set(event.item, event);
      return;
    }
    if ('item' in event) this.#sending.delete(event.item);
    if (event.event === 'delivered') {
      this.#thisSecond += 1;
      this.totalDelivered += 1;
    }
    push(this.recent, event, RECENT);
  }

  tick(): void {
    push(this.delivered, this.#thisSecond, HISTORY);
    this.#thisSecond = 0;
    const counts = this.report?.counts;
    if (counts !== undefined) push(this.backlog, counts.pending + counts.sending, HISTORY);
  }
}

function push<T>(list: T[], entry: T, most: number): void {
  list.push(entry);
  if (list.length > most) list.shift();
}

interface Screen {
  /** Writes only the lines that changed: no flicker, few bytes on a slow connection. */
  draw(lines: readonly string[]): Promise<void>;
  /** The next frame is drawn whole. */
  clear(): void;
  giveBack(): void;
}

function takeScreen(leave: () => void): Screen {
  const { stdin, stdout } = process;
  let shown: readonly string[] = [];
  let isOurs = true;
  const giveBack = (): void => {
    if (!isOurs) return;
    isOurs = false;
    process.off('exit', giveBack);
    if (stdin.isTTY) {
      stdin.off('data', onKey);
      stdin.setRawMode(false);
      stdin.pause();
    }
    stdout.write(LEAVE);
  };
  const onKey = (keys: Buffer): void => {
    const text = keys.toString('latin1');
    // In raw mode the terminal sends no signal for Ctrl-C.
    if (text.includes('\x03')) process.kill(process.pid, 'SIGINT');
    else if (/^[qQ]/.test(text)) leave();
  };
  // Runs after a crash too: a terminal without cursor is useless.
  process.on('exit', giveBack);
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    stdin.on('data', onKey).resume();
  }
  stdout.write(ENTER);
  return {
    draw: (lines) => {
      if (!isOurs) return Promise.resolve();
      const most = Math.max(lines.length, shown.length);
      const changes = Array.from({ length: most }, (_, row) => {
        const line = lines[row] ?? '';
        // Clears the line first: after a line that fills its row, clearing the rest would remove the last character.
        return line === (shown[row] ?? '') ? '' : `\x1b[${row + 1};1H\x1b[2K${line}`;
      });
      shown = [...lines];
      // The next frame waits for this one, so a slow terminal gets fewer frames.
      return new Promise((resolve) => stdout.write(changes.join(''), () => resolve()));
    },
    clear: () => {
      shown = [];
      if (isOurs) stdout.write('\x1b[2J');
    },
    giveBack,
  };
}
