/** Handles signals: the first asks to stop, the second aborts. Otherwise removes temporary files and ends. */
import { closeSync, openSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { guardTemporaries, removeTemporaries } from '../../core/files/temporary.js';
import type { ExitCode, StopSignal } from './exit-codes.js';
import { exitCodeOfSignal } from './exit-codes.js';

export interface Stopping {
  /** Aborts at the first signal: claim nothing more, let requests in flight end. */
  readonly stop: AbortSignal;
  /** Aborts at the second: requests in flight are cut off and recorded as unknown. */
  readonly abort: AbortSignal;
  /** The first signal that came, if one did. */
  received(): StopSignal | undefined;
  /** The exit code it gives the process. */
  exitCode(): ExitCode | undefined;
  /** Stops without a signal: the reader of the output has closed it. */
  end(): void;
  dispose(): void;
}

export interface SignalOptions {
  /** Called at the first and the second signal, to report it. */
  onSignal?: (signal: StopSignal, count: number) => void;
  /**
   * Called at SIGHUP without a controlling terminal: a service is asked to reload its config. If not given, SIGHUP
   * stops.
   */
  onReload?: () => void;
}

const SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Number of listeners that handle signals themselves. */
let deciding = 0;

/** Until disposed, a signal only calls `listener`. */
export function decideSignals(listener: (signal: StopSignal) => void): () => void {
  deciding += 1;
  let isDisposed = false;
  for (const signal of SIGNALS) process.on(signal, listener);
  return () => {
    if (isDisposed) return;
    isDisposed = true;
    deciding -= 1;
    for (const signal of SIGNALS) process.off(signal, listener);
  };
}

/** Lets pending signals be handled, for work that never awaits anything else. */
export async function hearSignals(): Promise<void> {
  await nextTurn();
}

/** Removes temporary files and lets the signal end the process, as the system does by default. */
export function endBySignal(signal: StopSignal): void {
  removeTemporaries();
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** While a temporary file has a name, a signal without another handler removes it and ends the process. */
export function removeTemporariesAtEnd(): void {
  let held = 0;
  const end = (signal: StopSignal): void => {
    if (deciding === 0) endBySignal(signal);
  };
  guardTemporaries({
    hold: () => {
      if (held++ > 0) return;
      for (const signal of SIGNALS) process.on(signal, end);
      process.on('exit', removeTemporaries);
    },
    release: () => {
      // Node handles a pending signal before the second turn of the event loop.
      setImmediate(() =>
        setImmediate(() => {
          if (--held > 0) return;
          for (const signal of SIGNALS) process.off(signal, end);
          process.off('exit', removeTemporaries);
        }),
      );
    },
  });
}

/** A third signal ends the process at once, as the system does by default. */
export function catchSignals(options: SignalOptions = {}): Stopping {
  const stop = new AbortController();
  const abort = new AbortController();
  let first: StopSignal | undefined;
  let count = 0;
  const listener = (signal: StopSignal): void => {
    if (signal === 'SIGHUP' && options.onReload !== undefined && !hasTerminal()) {
      options.onReload();
      return;
    }
    count += 1;
    first ??= signal;
    if (count === 1) stop.abort();
    else {
      abort.abort();
      dispose();
    }
    options.onSignal?.(signal, count);
  };
  const dispose = decideSignals(listener);
  return {
    stop: stop.signal,
    abort: abort.signal,
    received: () => first,
    exitCode: () => (first === undefined ? undefined : exitCodeOfSignal(first)),
    end: () => stop.abort(),
    dispose,
  };
}

/** A process with a controlling terminal can open /dev/tty; a service cannot (ENXIO). */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
