/** Turns signals into a wish to stop, then into an order (contract, section 7), or removes what is temporary and ends. */
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
  /** Stops as if by itself: nobody reads the output any more. */
  end(): void;
  dispose(): void;
}

export interface SignalOptions {
  /** Told of the first and the second signal, to say what happens. */
  onSignal?: (signal: StopSignal, count: number) => void;
  /** SIGHUP without a controlling terminal: a service is asked to read its config again. Without this, SIGHUP stops. */
  onReload?: () => void;
}

const SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** How many listeners decide themselves what a signal does. */
let deciding = 0;

/** Until it is disposed, a signal does what `listener` says and nothing else. */
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

/** Lets a signal that came meanwhile be heard: for work that never waits for anything else. */
export async function hearSignals(): Promise<void> {
  await nextTurn();
}

/** Lets the signal end the process, as the system does by default, and leaves nothing temporary behind. */
export function endBySignal(signal: StopSignal): void {
  removeTemporaries();
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** While something temporary has a name, a signal that nobody else decides about removes it and ends the process. */
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
      // A signal that came while the process was busy is heard before the second turn of the loop.
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
