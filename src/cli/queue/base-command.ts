/**
 * The base of all commands: common flags, queue, output and exit. `_run` replaces oclif's own, which with --json loses
 * the exit code, prints every own property of an error, and does not wait for stdout.
 */
import { Command, Flags } from '@oclif/core';
import type { Interfaces } from '@oclif/core';
import { systemClock } from '../../core/nouns/clock.js';
import type { CommandQueue } from '../../core/queue/queue.js';
import type { TimeView } from '../../core/policy/time-words.js';
import { errorDocument, errorText } from '../../render/errors.js';
import type { JsonObject } from '../../render/json.js';
import { jsonDocument, jsonLine } from '../../render/json.js';
import { printable } from '../../render/printable.js';
import type { Look } from '../../render/style.js';
import { colourStyle, PLAIN_STYLE, wantsColour } from '../../render/style.js';
import type { Suggest } from '../../render/suggest.js';
import { suggestFor } from '../../render/suggest.js';
import { actorName } from '../program/actor.js';
import { environment, isDebugging } from '../program/environment.js';
import type { ExitCode } from '../program/exit-codes.js';
import { EXIT, exitCodeOfError } from '../program/exit-codes.js';
import { describeFailure } from '../program/failure.js';
import { refuseDamagedArguments } from '../program/given-bytes.js';
import type { BeforeMaking, CliQueue, CommonFlags, QueueMode } from './open-queue.js';
import { configLookup, openCliQueue } from './open-queue.js';
import type { ConfigLookup } from './config-file.js';
import { standDown } from '../program/home.js';
import { guardStreams, OutputClosed, writeErr, writeOut } from '../program/output.js';
import type { Progress } from '../program/progress.js';
import { startProgress } from '../program/progress.js';
import { removeTemporariesAtEnd } from '../program/signals.js';

const NARROWEST_TERMINAL = 40;

export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;

  static override baseFlags = {
    queue: Flags.string({
      description: 'the queue [default: the one that the config names]',
      helpGroup: 'COMMON',
      helpValue: 'FILE|URL',
    }),
    config: Flags.string({ description: 'the config file', helpGroup: 'COMMON', helpValue: 'FILE' }),
    json: Flags.boolean({ description: 'print one JSON document, errors included', helpGroup: 'COMMON' }),
    quiet: Flags.boolean({ char: 'q', description: 'only errors on stderr', helpGroup: 'COMMON' }),
    'no-color': Flags.boolean({ description: 'no colour', helpGroup: 'COMMON' }),
  };

  readonly #opened: CliQueue[] = [];
  readonly #progress: Progress[] = [];
  #common: CommonFlags = { queue: undefined, config: undefined };
  #exitCode: ExitCode = EXIT.ok;
  #suggest: Suggest = (text) => text;
  /** One JSON object per line instead of one document (`watch`, `run --events`, `status --follow`), errors included. */
  protected isLines = false;

  /** Returns the document of --json, or nothing when it has printed its lines itself. */
  abstract override run(): Promise<JsonObject | undefined>;

  // oclif leaves the type of the result to the caller; the result of `run` is printed here.
  protected override async _run<T>(): Promise<T> {
    let result: JsonObject | undefined;
    let failure: { error: unknown } | undefined;
    guardStreams();
    standDown();
    removeTemporariesAtEnd();
    try {
      refuseDamagedArguments(this.argv);
      await this.init();
      result = await this.run();
    } catch (error) {
      failure = { error };
    }
    failure = (await this.#close()) ?? failure;
    try {
      if (failure !== undefined) await this.#tell(failure.error);
      else if (result !== undefined && this.jsonEnabled()) await this.#document(result);
    } catch (error) {
      await this.#tellOnStderr(error);
    }
    if (this.#exitCode !== EXIT.ok) process.exitCode = this.#exitCode;
    return result as T;
  }

  /** Closes what was opened. An error there becomes the command's, unless it has one already. */
  async #close(): Promise<{ error: unknown } | undefined> {
    let failure: { error: unknown } | undefined;
    for (const progress of this.#progress) progress.stop();
    for (const { queue } of this.#opened.splice(0)) {
      await queue.close().catch((error: unknown) => (failure ??= { error }));
    }
    return failure;
  }

  async #tell(error: unknown): Promise<void> {
    if (!this.jsonEnabled() || error instanceof OutputClosed) {
      await this.#tellOnStderr(error);
      return;
    }
    const failure = this.#describe(error);
    await this.#document(errorDocument(failure));
    await this.#stack(error);
  }

  async #tellOnStderr(error: unknown): Promise<void> {
    // `| head -1` is not a failure: the work is done.
    if (error instanceof OutputClosed) return;
    const failure = this.#describe(error);
    const { style } = await this.look('stderr');
    await writeErr(`${errorText(failure, style)}\n`);
    await this.#stack(error);
  }

  #describe(error: unknown): ReturnType<typeof describeFailure> {
    const name = this.id === undefined ? '' : ` ${this.id.replaceAll(':', ' ')}`;
    const failure = describeFailure(error, `Help: ${this.config.bin}${name} --help`);
    this.#exitCode = exitCodeOfError(failure.code);
    return failure.hint === undefined ? failure : { ...failure, hint: this.#suggest(failure.hint) };
  }

  async #stack(error: unknown): Promise<void> {
    if (isDebugging() && error instanceof Error) await writeErr(`${printable(error.stack ?? '')}\n`);
  }

  async #document(document: JsonObject): Promise<void> {
    const terminal = process.stdout.isTTY;
    await writeOut(this.isLines ? jsonLine(document, terminal) : jsonDocument(document, terminal));
  }

  protected override async parse<
    F extends Interfaces.OutputFlags<any>, // eslint-disable-line @typescript-eslint/no-explicit-any -- oclif's own signature
    B extends Interfaces.OutputFlags<any>, // eslint-disable-line @typescript-eslint/no-explicit-any
    A extends Interfaces.OutputArgs<any>, // eslint-disable-line @typescript-eslint/no-explicit-any
  >(options?: Interfaces.Input<F, B, A>, argv?: string[]): Promise<Interfaces.ParserOutput<F, B, A>> {
    const parsed = await super.parse<F, B, A>(options, argv);
    const { queue, config } = parsed.flags as { queue?: string; config?: string };
    this.#common = { queue, config };
    this.#suggest = suggestFor(this.#common, this.config.commandIDs);
    return parsed;
  }

  /** Opens the queue; it is closed when the command ends, also after an error. */
  protected async openQueue(mode: QueueMode): Promise<CommandQueue> {
    return (await this.open(mode)).queue;
  }

  /** The queue with its config. A warning about the config goes to stderr. */
  protected async open(mode: QueueMode, beforeMaking?: BeforeMaking): Promise<CliQueue> {
    const { configDir, dataDir } = this.config;
    const opened = await openCliQueue(mode, this.#common, { configDir, dataDir }, beforeMaking);
    this.#opened.push(opened);
    if (opened.warning !== undefined) await this.#talk([`warning: ${opened.warning}`]);
    return opened;
  }

  /** Which config file applies to this command. */
  protected configLookup(): ConfigLookup {
    return configLookup(this.#common, this.config);
  }

  /** Closes the queue early, to open it again. */
  protected async closeQueues(): Promise<void> {
    for (const { queue } of this.#opened.splice(0)) await queue.close();
  }

  /** Prints lines to stdout; nothing with --json, where stdout holds only the document. */
  protected async print(...lines: readonly string[]): Promise<void> {
    if (!this.jsonEnabled() && lines.length > 0) await writeOut(`${lines.join('\n')}\n`);
  }

  /** Prints lines that may suggest commands: these get this command's --queue and --config. */
  protected async printAdvice(...lines: readonly string[]): Promise<void> {
    await this.print(...lines.map((line) => this.#suggest(line)));
  }

  /** Prints one object as one line, now. */
  protected async printObject(document: JsonObject): Promise<void> {
    await writeOut(jsonLine(document, process.stdout.isTTY));
  }

  /** Prints messages to stderr, except with --quiet or --json. */
  protected async say(...lines: readonly string[]): Promise<void> {
    if (lines.length > 0 && !this.jsonEnabled()) await this.#talk(lines);
  }

  async #talk(lines: readonly string[]): Promise<void> {
    if (!this.isQuiet) await writeErr(`${lines.map((line) => printable(this.#suggest(line))).join('\n')}\n`);
  }

  /** Prints warnings to stderr, also with --quiet. */
  protected async tell(line: string): Promise<void> {
    await writeErr(`${printable(line)}\n`);
  }

  /** A spinner with this text on stderr, on a terminal and when it takes long. */
  protected async progress(text: string): Promise<Progress> {
    const progress = await startProgress(text, !this.isQuiet && !this.jsonEnabled());
    this.#progress.push(progress);
    return progress;
  }

  protected endWith(code: ExitCode): void {
    this.#exitCode = code;
  }

  protected get isQuiet(): boolean {
    return this.#hasFlag('--quiet') || this.#hasFlag('-q');
  }

  /** Who the history will name. */
  protected by(reason?: string): { who: string; command: string; reason: string | undefined } {
    return { who: actorName(), command: this.id?.replaceAll(':', ' ') ?? this.config.bin, reason };
  }

  protected get now(): number {
    return systemClock.now();
  }

  protected get view(): TimeView {
    return { now: this.now, terminal: process.stdout.isTTY };
  }

  /** How output to this stream may look. */
  protected async look(stream: 'stdout' | 'stderr' = 'stdout'): Promise<Look> {
    const { isTTY: terminal, columns } = process[stream];
    const env = environment();
    const coloured = wantsColour({
      refused: this.#hasFlag('--no-color'),
      noColor: env['NO_COLOR'],
      forceColor: env['FORCE_COLOR'],
      term: env['TERM'],
      terminal,
    });
    return {
      terminal,
      columns: Math.max(NARROWEST_TERMINAL, columns || 80),
      style: coloured ? await colourStyle() : PLAIN_STYLE,
      now: this.now,
      suggest: this.#suggest,
    };
  }

  /** Looks at the raw arguments, because it is also needed when they cannot be parsed. */
  #hasFlag(name: string): boolean {
    const end = this.argv.indexOf('--');
    return this.argv.slice(0, end < 0 ? undefined : end).includes(name);
  }
}
