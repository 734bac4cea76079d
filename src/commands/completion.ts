/** Prints a completion script for a shell. */
import { Args } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { SHELLS } from '../cli/help/complete-words.js';
import { completionScript } from '../cli/help/completion-scripts.js';
import type { JsonObject } from '../render/json.js';

export default class Completion extends BaseCommand {
  static override summary = 'print the completion script of a shell';
  static override description =
    'The shell then completes commands and flags, and ids, targets, entities and tags from the queue.';
  static override examples = [
    'eval "$(<%= config.bin %> completion bash)"',
    'eval "$(<%= config.bin %> completion zsh)"',
    '<%= config.bin %> completion fish > ~/.config/fish/completions/<%= config.bin %>.fish',
    '<%= config.bin %> completion powershell | Out-String | Invoke-Expression',
  ];
  static override args = {
    shell: Args.string({ description: 'the shell', options: [...SHELLS], required: true, ignoreStdin: true }),
  };

  override async run(): Promise<JsonObject> {
    const { args } = await this.parse(Completion);
    const shell = SHELLS.find((name) => name === args.shell) ?? 'bash';
    const script = completionScript(shell, this.config.bin);
    await this.print(script.trimEnd());
    return { shell, script };
  }
}
