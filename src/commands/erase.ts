/** Removes everything stored about one entity. */
import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { becauseFlag } from '../cli/items/because-flag.js';
import { confirmFlags } from '../cli/items/choose-items.js';
import { eraseEntity } from '../cli/items/erase.js';
import { EXIT } from '../cli/program/exit-codes.js';
import { entityOf } from '../cli/items/filters.js';
import type { JsonObject } from '../render/json.js';

export default class Erase extends BaseCommand {
  static override summary = 'remove what the queue holds about one entity';
  static override description =
    'Removes payloads, older versions, answers of servers and reasons that people wrote from the file. A tombstone stays: id, key, path, times and checksum. Unfinished items are discarded. Remove copies made by backup or export yourself.';
  static override examples = [
    '<%= config.bin %> erase --entity person/7 --dry-run',
    '<%= config.bin %> erase --entity person/7 --because "request of 3 March" --yes',
  ];
  static override flags = {
    entity: Flags.string({ description: 'the entity', helpValue: 'TYPE/ID', required: true }),
    ...confirmFlags,
    ...becauseFlag,
  };

  override async run(): Promise<JsonObject> {
    const { flags } = await this.parse(Erase);
    const entity = entityOf(flags.entity);
    const queue = await this.openQueue(flags['dry-run'] ? 'read' : 'write');
    const erased = await eraseEntity(queue, entity, {
      by: this.by(flags.because),
      yes: flags.yes,
      dryRun: flags['dry-run'],
      json: this.jsonEnabled(),
    });
    await this.printAdvice(...erased.lines);
    await this.say(...erased.talk);
    if (erased.nothing) this.endWith(EXIT.nothingMatched);
    return erased.document;
  }
}
