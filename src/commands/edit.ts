/** Changes what an item sends: by flags, or in an editor. */
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { becauseFlag } from '../cli/items/because-flag.js';
import { editAnswer } from '../cli/items/edit-answer.js';
import { editByHand } from '../cli/items/edit-by-hand.js';
import { editsOf, type EditFlags } from '../cli/items/edit-flags.js';
import { editMany } from '../cli/items/edit-many.js';
import { filterFlags, filterWords, hasFilter, type FilterFlags } from '../cli/items/filters.js';
import { chosenItems, confirmFlags } from '../cli/items/choose-items.js';
import { patternsOf } from '../cli/items/inspect.js';
import { EXIT } from '../cli/program/exit-codes.js';
import { refuseUsage } from '../cli/program/usage.js';
import { askedFirst } from '../cli/program/confirm.js';
import { childEnvironment } from '../cli/program/environment.js';
import { parseId } from '../cli/items/ids.js';
import { withNearIds } from '../cli/items/near-ids.js';
import type { JsonObject } from '../render/json.js';

export default class Edit extends BaseCommand {
  static override summary = 'change what an item sends';
  static override description =
    'Edits items that are pending or in review. With an id and no changes, opens $VISUAL or $EDITOR on the payload; meanwhile the item is in review (editing). With filters, changes every item that matches: it shows the first change and the counts, then asks. The old version is kept, and the new one gets its own idempotency key. The id, the place, the target and the entity stay. It sends nothing: see retry.';
  static override examples = [
    '<%= config.bin %> edit 1041',
    '<%= config.bin %> edit 1041 --set \'/phone="4799"\' --because "typed with a letter O"',
    '<%= config.bin %> edit 1041 --set \'/name="0047"\' --set /tags/-=new --unset /draft',
    '<%= config.bin %> edit 1041 --path /people/7 --header "Accept-Language: nb"',
    '<%= config.bin %> edit --like 1041 --set \'/phone="4799"\' --dry-run',
    '<%= config.bin %> edit --like 1041 --set \'/phone="4799"\' --yes',
  ];
  static override args = { id: Args.string({ description: 'id of the item', ignoreStdin: true }) };
  static override flags = {
    ...filterFlags,
    set: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'set a value of a JSON payload: JSON as it is, anything else as a string',
      helpValue: '/POINTER=VALUE',
    }),
    unset: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'remove a value from a JSON payload',
      helpValue: '/POINTER',
    }),
    data: Flags.string({
      char: 'd',
      description: 'replace the whole payload',
      helpValue: 'JSON|@file|-',
      exclusive: ['set', 'unset'],
    }),
    'content-type': Flags.string({ description: 'content type of the payload', helpValue: 'MIME' }),
    header: Flags.string({
      char: 'H',
      multiple: true,
      multipleNonGreedy: true,
      description: 'set a request header',
      helpValue: "'K: V'",
    }),
    'remove-header': Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'remove a request header',
      helpValue: 'NAME',
    }),
    path: Flags.string({ description: 'the path below the base URL of its target', helpValue: 'PATH' }),
    ...becauseFlag,
    ...confirmFlags,
  };

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(Edit);
    const many = hasFilter(flags);
    if ((args.id === undefined) !== many) {
      refuseUsage(many ? 'an id and filters are given together' : 'nothing says which item', 'Give an id, or filters.');
    }
    if (args.id === undefined) return this.#editMany(flags);
    if (flags['dry-run'])
      refuseUsage('--dry-run is for edits by filters', 'For one item: syncq edit --like ID --dry-run');
    const id = parseId(args.id);
    const { queue, config } = await this.open('write');
    const edits = await editsOf(flags, config.limits.payloadBytes, process.stdin);
    const by = this.by(flags.because);
    const asking = { yes: flags.yes, json: this.jsonEnabled() };
    const result = await withNearIds(queue, id, async () =>
      edits === undefined
        ? await editByHand(queue, id, by, {
            ...asking,
            env: childEnvironment(config),
            say: (...lines) => this.say(...lines),
          })
        : await askedFirst((yes) => queue.desk.edit(id, edits, by, { yes }), asking),
    );
    const next = result?.item.state === 'pending' ? await queue.next([result.item.target]) : undefined;
    const answer = editAnswer(id, result, next, this.view);
    await this.printAdvice(...answer.lines);
    await this.say(...answer.talk);
    return answer.document;
  }

  async #editMany(flags: FilterFlags & EditFlags & ManyFlags): Promise<JsonObject> {
    const opened = await this.open(flags['dry-run'] ? 'read' : 'write');
    const edits = await editsOf(flags, opened.config.limits.payloadBytes, process.stdin);
    if (edits === undefined)
      refuseUsage('nothing says what to change', 'Many items are edited by --set and other flags.');
    const filter = await chosenItems([], { ...flags, all: false }, this.now);
    const edited = await editMany(opened.queue, filter, edits, {
      by: this.by(flags.because),
      yes: flags.yes,
      dryRun: flags['dry-run'],
      json: this.jsonEnabled(),
      again: filterWords(flags),
      sensitive: patternsOf(opened),
      view: this.view,
    });
    await this.printAdvice(...edited.lines);
    if (edited.nothing) this.endWith(EXIT.nothingMatched);
    return edited.document;
  }
}

interface ManyFlags {
  yes: boolean;
  'dry-run': boolean;
  because?: string | undefined;
}
