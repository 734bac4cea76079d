/** Help for a command, or about exit codes. */
import { Args, loadHelpClass } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { unknownCommand } from '../cli/help/command-not-found.js';
import { exitCodeDocument, exitCodeLines } from '../cli/help/exit-codes.js';
import { refuseUnknown } from '../cli/program/usage.js';
import type { JsonObject } from '../render/json.js';

export default class Help extends BaseCommand {
  static override summary = 'show help for a command, or about exit codes';
  static override examples = [
    '<%= config.bin %> help enqueue',
    '<%= config.bin %> help target add',
    '<%= config.bin %> help exit-codes',
  ];
  static override args = {
    command: Args.string({ description: 'a command, or exit-codes', multiple: true, ignoreStdin: true }),
  };

  override async run(): Promise<JsonObject> {
    const { args } = await this.parse(Help);
    const words = args.command ?? [];
    if (words.join(' ') === 'exit-codes') {
      await this.print(...exitCodeLines((await this.look()).columns));
      return exitCodeDocument();
    }
    const id = words.join(':');
    if (words.length > 0 && this.config.findCommand(id) === undefined && this.config.findTopic(id) === undefined) {
      refuseUnknown(unknownCommand(id, this.config.commandIDs, this.config.bin));
    }
    const HelpClass = await loadHelpClass(this.config);
    if (!this.jsonEnabled()) await new HelpClass(this.config, this.config.pjson.oclif.helpOptions).showHelp(words);
    const commands = this.config.commands.filter(
      (command) => !command.hidden && (id === '' || command.id === id || command.id.startsWith(`${id}:`)),
    );
    return {
      commands: commands.map((command) => ({ name: command.id.replaceAll(':', ' '), summary: command.summary ?? '' })),
    };
  }
}
