/** Examines the queue file and its surroundings, and says what is safe and what to do. */
import { Flags } from '@oclif/core';
import { effectiveUser } from '../cli/program/actor.js';
import { BaseCommand } from '../cli/queue/base-command.js';
import { becauseFlag } from '../cli/items/because-flag.js';
import { carryOutDoctor } from '../cli/care/doctor.js';
import { EXIT } from '../cli/program/exit-codes.js';
import { findFile } from '../cli/care/file-place.js';
import { doctorDocument, doctorLines } from '../render/doctor.js';
import type { JsonObject } from '../render/json.js';

export default class Doctor extends BaseCommand {
  static override summary = 'check the queue and say what to do about each finding';
  static override description =
    'Reads the whole file and changes nothing without --repair or --adopt. Exit code 0: all is well, 3: a person is needed, 6: the queue cannot be used.';
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor --json',
    '<%= config.bin %> doctor --save rescued.ndjson',
    '<%= config.bin %> doctor --repair',
    '<%= config.bin %> doctor --queue restored.db --adopt',
  ];
  static override flags = {
    repair: Flags.boolean({ description: 'compute lane heads and counts again; no runner may be active' }),
    save: Flags.string({
      description: 'save every readable item as NDJSON for enqueue --from; finished items go to FILE.finished',
      helpValue: 'FILE',
    }),
    adopt: Flags.boolean({ description: 'make a copy (a restored backup) the queue, because the original is gone' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
    ...becauseFlag,
  };

  override async run(): Promise<JsonObject> {
    const { flags } = await this.parse(Doctor);
    const file = findFile(flags.queue, this.configLookup(), this.config.dataDir);
    if (!file.exists) {
      await this.printAdvice(`No queue yet at ${file.path} (user ${effectiveUser()})`);
      return {
        queue: file.path,
        config: file.config.config.source ?? null,
        exists: false,
        verdict: 'sound',
        findings: [],
      };
    }
    const progress = await this.progress('reading the whole queue');
    const { save, repair, adopt, yes } = flags;
    const { examination, actions } = await carryOutDoctor(
      file,
      { save, repair, adopt, yes, json: this.jsonEnabled() },
      this.by(flags.because),
    ).finally(() => progress.stop());
    const { style } = await this.look();
    await this.printAdvice(...doctorLines(file.path, examination, actions, style));
    const exit = { sound: EXIT.ok, problem: EXIT.needsPerson, unusable: EXIT.noQueue };
    this.endWith(exit[examination.verdict]);
    return doctorDocument(file.path, file.config.config.source, examination, actions);
  }
}
