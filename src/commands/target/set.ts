/** Changes settings of a target in the config. */
import { Args } from '@oclif/core';
import { becauseFlag } from '../../cli/items/because-flag.js';
import { BaseCommand } from '../../cli/queue/base-command.js';
import { changeSettings } from '../../cli/targets/change.js';
import { settingOf } from '../../cli/targets/settings.js';
import type { JsonObject } from '../../render/json.js';

export default class TargetSet extends BaseCommand {
  static override summary = 'change settings of a server in the config';
  static override description =
    'A KEY is a setting of a target as docs/config.md lists them, with dots between members. A VALUE is JSON; anything else is a string. KEY= removes the setting. A changed baseUrl needs target accept.';
  static override examples = [
    '<%= config.bin %> target set production retry.max=4 timeout=60s',
    '<%= config.bin %> target set production headers.X-Site=oslo probe=',
    `<%= config.bin %> target set production 'outcomes={"409":"delivered"}' --because "it answers 409 to a repeat"`,
  ];
  static override strict = true;
  static override args = {
    name: Args.string({ description: 'name of the target', required: true, ignoreStdin: true }),
    setting: Args.string({
      description: 'settings: KEY=VALUE ...',
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = becauseFlag;

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(TargetSet);
    const settings = args.setting.map(settingOf);
    const opened = await this.open('create', async () => Promise.resolve(false));
    const edit = await changeSettings(opened, this.configLookup(), {
      name: args.name,
      settings,
      by: this.by(flags.because),
    });
    await this.printAdvice(`${args.name} is changed in ${edit.path} (${edit.keys.join(', ')})`, ...edit.next);
    return { name: args.name, config: edit.path, changed: edit.keys };
  }
}
