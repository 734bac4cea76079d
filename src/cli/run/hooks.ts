/**
 * Runs the commands of `"hooks"`: no shell, events as a JSON array on stdin, one process per kind at a time. Sending
 * never waits for a hook, and a failed hook is one line in the log.
 */
import { spawn } from 'node:child_process';
import type { Config } from '../../core/nouns/config.js';
import type { QueueEvent } from '../../core/index.js';
import { eventDocument } from '../../render/events.js';
import type { Environment } from '../program/environment.js';

export type HookKind = keyof Config['hooks'];

export interface Hooks {
  handle(event: QueueEvent): void;
  /** Waits for running hooks, at most `patienceMs`; then kills them. */
  end(patienceMs: number): Promise<void>;
}

export interface HookOptions {
  env: Environment;
  /** Called with one line about a hook that failed. */
  onFailure: (message: string) => void;
  /** Default 30 s. */
  limitMs?: number;
}

const LIMIT_MS = 30_000;
/** Most events kept for a busy hook; older ones are dropped, and the hook gets their number. */
const MOST_WAITING = 1_000;

export function startHooks(commands: Config['hooks'], options: HookOptions): Hooks {
  const kinds = Object.entries(commands) as [HookKind, readonly string[] | undefined][];
  const runners = new Map(
    kinds.flatMap(([kind, argv]) => (argv === undefined ? [] : [[kind, new HookRunner(kind, argv, options)] as const])),
  );
  return {
    handle: (event) => {
      if (event.event === 'review' || event.event === 'offline' || event.event === 'idle')
        runners.get(event.event)?.add(event);
    },
    end: async (patienceMs) => {
      await Promise.all([...runners.values()].map((runner) => runner.end(patienceMs)));
    },
  };
}

class HookRunner {
  readonly #kind: HookKind;
  readonly #argv: readonly string[];
  readonly #options: HookOptions;
  #waiting: QueueEvent[] = [];
  #dropped = 0;
  #running: Promise<void> | undefined;
  #kill: () => void = () => undefined;

  constructor(kind: HookKind, argv: readonly string[], options: HookOptions) {
    this.#kind = kind;
    this.#argv = argv;
    this.#options = options;
  }

  add(event: QueueEvent): void {
    this.#waiting.push(event);
    if (this.#waiting.length > MOST_WAITING) {
      this.#waiting.shift();
      this.#dropped += 1;
    }
    this.#running ??= this.#work().finally(() => (this.#running = undefined));
  }

  async end(patienceMs: number): Promise<void> {
    const timer = setTimeout(() => {
      this.#waiting = [];
      this.#kill();
    }, patienceMs);
    await this.#running;
    clearTimeout(timer);
  }

  async #work(): Promise<void> {
    // Events that arrive together become one call.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const events = this.#waiting;
      this.#waiting = [];
      if (this.#dropped > 0) this.#fail(`was busy: ${this.#dropped} events were dropped`);
      this.#dropped = 0;
      const problem = await this.#call(events);
      if (problem !== undefined) this.#fail(problem);
    }
  }

  #fail(problem: string): void {
    this.#options.onFailure(`hook "${this.#kind}" ${problem}`);
  }

  /** Resolves with what went wrong. */
  #call(events: readonly QueueEvent[]): Promise<string | undefined> {
    const { env, limitMs = LIMIT_MS } = this.#options;
    const [file = '', ...rest] = this.#argv;
    return new Promise((resolve) => {
      // Its output is discarded: our stdout may be an NDJSON stream.
      const child = spawn(file, rest, { stdio: ['pipe', 'ignore', 'ignore'], env: { ...env }, detached: true });
      let isLate = false;
      this.#kill = () => {
        try {
          // Kills its child processes too.
          process.kill(-(child.pid ?? NaN), 'SIGKILL');
        } catch {
          child.kill('SIGKILL');
        }
      };
      const timer = setTimeout(() => {
        isLate = true;
        this.#kill();
      }, limitMs);
      const end = (problem: string | undefined): void => {
        clearTimeout(timer);
        this.#kill = () => undefined;
        resolve(problem);
      };
      child.on('error', (error: NodeJS.ErrnoException) =>
        end(`could not be started (${error.code ?? 'unknown error'})`),
      );
      child.on('exit', (code, signal) => {
        if (isLate) end(`took longer than ${limitMs / 1000} s and was killed`);
        else end(code === 0 ? undefined : `ended with ${code ?? signal ?? 'an unknown code'}`);
      });
      // A hook may ignore its input.
      child.stdin.on('error', () => undefined);
      child.stdin.end(`${JSON.stringify(events.map(eventDocument))}\n`);
    });
  }
}
