/** The help pages: commands in groups by what people do with them, and a command's own flags before the common ones. */
import { CommandHelp, Help } from '@oclif/core';
import type { Command } from '@oclif/core';
import { guardStreams } from '../program/output.js';

/** Every command or topic stands in one group; a test checks it. */
export const COMMAND_GROUPS: Readonly<Record<string, readonly string[]>> = {
  EVERYDAY: ['enqueue', 'status', 'run', 'watch', 'inspect', 'wait'],
  FIX: ['retry', 'edit', 'discard', 'complete', 'history', 'pause', 'resume'],
  OPERATE: ['target', 'schedule', 'doctor', 'backup', 'prune', 'erase', 'completion', 'help'],
  'MOVE AND TEST': ['export', 'import', 'replay', 'rehearse'],
};

class OwnFlagsFirst extends CommandHelp {
  protected override groupFlags(flags: Command.Flag.Any[]): ReturnType<CommandHelp['groupFlags']> {
    const { mainFlags, flagGroups } = super.groupFlags(flags);
    const { COMMON = [], ...own } = flagGroups;
    return { mainFlags, flagGroups: { ...own, COMMON } };
  }

  protected override defaultUsage(): string {
    const args = Object.values(this.command.args).map((arg) => `${this.arg(arg)}${arg.multiple === true ? '...' : ''}`);
    return [this.command.id, ...args, '[flags]'].join(' ');
  }
}

export default class GroupedHelp extends Help {
  protected override CommandHelpClass = OwnFlagsFirst;

  override async showHelp(argv: string[]): Promise<void> {
    // The import of oclif above has added its listener to stdout.
    guardStreams();
    await super.showHelp(argv);
  }

  // oclif expects a promise.

  protected override async showRootHelp(): Promise<void> {
    const topics = this.sortedTopics.map(({ name, description = '' }) => [name, description] as const);
    const commands = this.sortedCommands.map(({ id, summary = '' }) => [id, summary] as const);
    const summaries = new Map([...commands, ...topics]);
    this.log(this.formatRoot());
    for (const [title, names] of Object.entries(COMMAND_GROUPS)) {
      const rows = names.map((name) => [name, summaries.get(name) ?? '']);
      const list = this.renderList(rows, { indentation: 2, spacer: '\n', stripAnsi: this.opts.stripAnsi ?? false });
      this.log(`\n${this.section(title, list)}`);
    }
    this.log(`\nHelp for a command: ${this.config.bin} help COMMAND`);
  }
}
