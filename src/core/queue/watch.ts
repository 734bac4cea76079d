/** `watch` as an iterable of its events. */
import type { QueueEvent } from '../nouns/events.js';
import { CallerCallbacks } from '../runner/caller-callbacks.js';
import { EventStream } from '../runner/event-stream.js';
import type { WatchOptions } from '../runner/options.js';
import type { SendingDeps } from '../runner/sending.js';

/**
 * The background loop, started at once. Leaving the iteration stops it.
 *
 * @param start starts the loop with its stop, which aborts when the reader leaves or a callback throws
 */
export function watchQueue(
  deps: SendingDeps,
  options: WatchOptions,
  start: (body: (control: AbortController) => Promise<void>) => Promise<void>,
): AsyncIterable<QueueEvent> {
  const left = new AbortController();
  const stream = new EventStream(() => left.abort());
  const watch = async (control: AbortController): Promise<void> => {
    const callbacks = new CallerCallbacks(() => control.abort());
    left.signal.addEventListener('abort', () => control.abort(), { once: true });
    const tell = callbacks.guard(options.onEvent);
    const { watchUntilStopped } = await import('../runner/sending.js');
    await watchUntilStopped(deps, {
      ...options,
      stop: control.signal,
      onEvent: (event) => {
        tell(event);
        stream.push(event);
      },
      onTurn: callbacks.guard(options.onTurn),
      onUnknownTarget: callbacks.guard(options.onUnknownTarget),
    });
    callbacks.assertNoneThrew();
  };
  void start(watch).then(
    () => stream.end(),
    (error: unknown) => stream.fail(error),
  );
  return stream;
}
