/** What `watch` shows on a terminal: the status, redrawn, and below it the last events. */
import type { Queue, QueueEvent } from '../core/index.js';
import { eventLine } from '../render/events.js';
import { cut } from '../render/printable.js';
import { statusView } from '../render/status.js';
import type { Look } from '../render/style.js';
import { PLAIN_STYLE } from '../render/style.js';

const EVENTS_SHOWN = 8;
/** At most this often: a drain of thousands must not spend its time drawing. */
const PERIOD_MS = 250;
/** Relative times grow also while nothing happens. */
const REFRESH_MS = 1000;
const REDRAW = '\x1b[H\x1b[J';

export interface LiveView {
  show(event: QueueEvent): void;
  /** Draws what is still undrawn and lets go of the timer. */
  end(): Promise<void>;
}

export interface LiveOutput {
  look: () => Promise<Look>;
  /** Lines that the terminal has room for. */
  rows: () => number;
  print: (text: string) => Promise<void>;
}

export function liveView(queue: Pick<Queue, 'status'>, { look, rows, print }: LiveOutput): LiveView {
  const events: QueueEvent[] = [];
  let isStale = true;
  let drawnAt = 0;
  let drawing: Promise<void> = Promise.resolve();
  const draw = async (): Promise<void> => {
    isStale = false;
    const now = await look();
    drawnAt = now.now;
    const status = await statusView(await queue.status(), now);
    // Cut without colour: a line that wraps would push the answer, the first line, out of sight.
    const recent = events.map((event) => cut(eventLine(event, { ...now, style: PLAIN_STYLE }), now.columns));
    const room = Math.max(1, rows() - recent.length - 2);
    await print(`${REDRAW}${[...status.slice(0, room), '', ...recent].join('\n')}\n`);
  };
  const redraw = (): void => {
    // A view that cannot be drawn is no reason to stop sending.
    drawing = drawing.then(draw).catch(() => undefined);
  };
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
    if (isStale || ticks % (REFRESH_MS / PERIOD_MS) === 0) redraw();
  }, PERIOD_MS);
  return {
    show: (event) => {
      events.push(event);
      if (events.length > EVENTS_SHOWN) events.shift();
      isStale = true;
      if (drawnAt === 0) redraw();
    },
    end: async () => {
      clearInterval(timer);
      redraw();
      await drawing;
    },
  };
}
