/** Shows items: a table of what needs attention, or everything about some. */
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { EXIT } from '../cli/program/exit-codes.js';
import { filterFlags, hasFilter } from '../cli/items/filters.js';
import { readIds } from '../cli/items/ids.js';
import { listItems, showItems } from '../cli/items/inspect.js';
import { COLUMN_NAMES } from '../cli/items/list-flags.js';
import { refuseUsage } from '../cli/program/usage.js';
import type { JsonObject } from '../render/json.js';

export default class Inspect extends BaseCommand {
  static override summary = 'show items, why they wait, and what the server answered';
  static override description =
    'Without ids: a table that starts with what needs attention. The same flag twice means or, different flags mean and. --search looks in review and retrying items unless --state is given.';
  static override examples = [
    '<%= config.bin %> inspect',
    '<%= config.bin %> inspect 1041',
    '<%= config.bin %> inspect --state review --status 4xx --since 2d',
    '<%= config.bin %> inspect --like 1041 --columns id,entity,stored,why --sort stored:desc',
    '<%= config.bin %> inspect --entity person/7 --state all --json',
  ];
  static override args = {
    id: Args.string({ description: 'ids of items, or - for ids on stdin', multiple: true, ignoreStdin: true }),
  };
  static override flags = {
    ...filterFlags,
    limit: Flags.integer({ description: 'most rows [default: 50]', helpValue: 'N', min: 1 }),
    after: Flags.integer({
      description: 'continue after this item: the "next" of the page before',
      helpValue: 'ID',
      min: 1,
    }),
    columns: Flags.string({
      description: `columns of the list, of: ${COLUMN_NAMES.join(', ')}`,
      helpValue: 'NAME,...',
    }),
    sort: Flags.string({
      description: 'order of the list by a column; looks at the first 1000 that match',
      helpValue: 'NAME[:desc]',
      exclusive: ['after'],
    }),
    payload: Flags.boolean({ description: 'with --json, also the payloads of a list' }),
    reveal: Flags.boolean({ description: 'show sensitive values too; this is recorded' }),
  };

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(Inspect);
    const words = args.id ?? [];
    if (words.length > 0 && (hasFilter(flags) || flags.limit !== undefined || flags.after !== undefined)) {
      refuseUsage('ids and filters are given together', 'Ids name items; filters choose them.');
    }
    const opened = await this.open(flags.reveal ? 'write' : 'read');
    const look = await this.look();
    if (words.length === 0) {
      const list = await listItems(opened, flags, look, this.by());
      await this.print(...list.lines);
      await this.say(...list.talk);
      return list.document;
    }
    const shown = await showItems(opened, await readIds(words, process.stdin), {
      reveal: flags.reveal,
      look,
      by: this.by(),
    });
    await this.print(...shown.lines);
    await this.say(...shown.talk);
    if (shown.missing.length > 0) this.endWith(EXIT.nothingMatched);
    return shown.document;
  }
}
