/** For the completion scripts: prints candidates for a command line, one per line. Never fails. */
import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { queueLookup } from '../cli/help/completion-candidates.js';
import type { CommandShape } from '../cli/help/complete-words.js';
import { completeWords, flagValue, splitLine } from '../cli/help/complete-words.js';
import { openCliQueue } from '../cli/queue/open-queue.js';
import type { Queue } from '../core/index.js';
import type { JsonObject } from '../render/json.js';

export default class CompleteWord extends BaseCommand {
  static override hidden = true;
  static override summary = 'candidates for a word that is being typed (used by the completion scripts)';
  static override strict = false;
  static override flags = { line: Flags.string({ description: 'the line so far, program first', helpValue: 'TEXT' }) };

  override async run(): Promise<JsonObject> {
    const { argv, flags } = await this.parse(CompleteWord);
    const words = flags.line === undefined ? argv.map(String) : splitLine(flags.line).slice(1);
    let queue: Queue | undefined;
    // The queue named on the line, not this command's; errors are not shown while somebody types.
    const open = async (): Promise<Queue> => {
      const chosen = { queue: flagValue(words, '--queue'), config: flagValue(words, '--config') };
      return (queue ??= (await openCliQueue('read', chosen, this.config)).queue);
    };
    const found = await completeWords(words, this.shapes(), queueLookup(open, this.now)).catch(() => []);
    await queue?.close();
    await this.print(
      ...found.map(({ value, description }) => (description === '' ? value : `${value}\t${description}`)),
    );
    return { candidates: found.map(({ value, description }) => ({ value, description })) };
  }

  private shapes(): CommandShape[] {
    return this.config.commands
      .filter(({ hidden }) => !hidden)
      .map(({ id, summary, flags, args }) => ({
        id: id.replaceAll(':', ' '),
        summary: summary ?? '',
        args: Object.keys(args),
        flags: Object.fromEntries(
          Object.entries(flags)
            .filter(([, flag]) => flag.hidden !== true)
            .map(([name, flag]) => [
              name,
              {
                isSwitch: flag.type === 'boolean',
                char: flag.char,
                description: flag.summary ?? flag.description ?? '',
                options: flag.type === 'option' ? (flag.options ?? []) : [],
                multiple: flag.type === 'option' && flag.multiple === true,
              },
            ]),
        ),
      }));
  }
}
