/** Turns signals into a wish to stop, then into an order (contract, section 7). Installed only by commands that send. */
import { closeSync, openSync } from 'node:fs';
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
  const dispose = (): void => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
  for (const signal of SIGNALS) process.on(signal, listener);
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
