/** Adds a target to the config and tests it. */
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/queue/base-command.js';
import { addTargetToConfig, configPathForEdit } from '../../cli/targets/config-edit.js';
import { loadConfig } from '../../cli/queue/config-file.js';
import { knownTarget, probeTarget } from '../../cli/targets/test.js';
import { settingOf, withSettings } from '../../cli/targets/settings.js';
import { targetEntry } from '../../cli/targets/add.js';
import type { JsonObject } from '../../render/json.js';
import { probeDocument, probeLine } from '../../render/target.js';

const SECRET = { helpGroup: 'CREDENTIAL', description: '' } as const;

export default class TargetAdd extends BaseCommand {
  static override summary = 'add a server to the config and test it';
  static override description =
    'SECRET says where the secret is, never the secret itself: env:NAME, file:PATH or command:["PROGRAM","ARGUMENT"]. A server that does not answer now is added all the same.';
  static override examples = [
    '<%= config.bin %> target add production https://api.example.org/v1 --bearer env:SYNC_TOKEN',
    '<%= config.bin %> target add staging https://staging.example.org/v1 --basic dev=file:/etc/syncq/staging-password',
    '<%= config.bin %> target add local http://localhost:8080 --probe /health',
    '<%= config.bin %> target add crm https://crm.example.org --set retry.max=4 --set headers.X-Site=oslo',
  ];
  static override args = {
    name: Args.string({ description: 'name of the target', required: true, ignoreStdin: true }),
    url: Args.string({ description: 'base URL of all paths', required: true, ignoreStdin: true }),
  };
  static override flags = {
    bearer: Flags.string({
      ...SECRET,
      description: 'send a bearer token',
      helpValue: 'SECRET',
      exclusive: ['basic', 'auth-header'],
    }),
    basic: Flags.string({
      ...SECRET,
      description: 'send user and password',
      helpValue: 'USER=SECRET',
      exclusive: ['auth-header'],
    }),
    'auth-header': Flags.string({ ...SECRET, description: 'send the secret in this header', helpValue: 'NAME=SECRET' }),
    probe: Flags.string({
      description: 'path that tells whether the server is up [default: only connect]',
      helpValue: 'PATH',
    }),
    set: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'another setting, as target set takes it',
      helpValue: 'KEY=VALUE',
    }),
    default: Flags.boolean({ description: 'make it the default target' }),
    production: Flags.boolean({ description: 'mark it: replay needs --allow-production to send there' }),
    'insecure-http': Flags.boolean({ description: 'allow plain http to another machine' }),
  };

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(TargetAdd);
    const lookup = this.configLookup();
    const settings = (flags.set ?? []).map(settingOf);
    const given = targetEntry(args.url, { ...flags, header: flags['auth-header'] });
    const entry = { ...given, ...withSettings(given, settings) };
    const edit = addTargetToConfig(configPathForEdit(lookup), args.name, entry, { makeDefault: flags.default });
    const config = loadConfig({ ...lookup, flag: edit.path });
    const target = knownTarget(config, args.name);
    const progress = await this.progress(`trying ${args.name}`);
    const probe = await probeTarget(target, config, new AbortController().signal);
    progress.stop();
    const isDefault = edit.defaultTarget === args.name;
    await this.printAdvice(
      `${args.name} is added to ${edit.path}${isDefault ? ' as the default target' : ''}`,
      probeLine(args.name, probe),
    );
    return {
      name: args.name,
      config: edit.path,
      created: edit.created,
      default: isDefault,
      test: probeDocument(args.name, probe),
    };
  }
}
