/** Adds a target to the config and tests it. */
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/queue/base-command.js';
import { addTargetToConfig, configPathForEdit } from '../../cli/targets/config-edit.js';
import { loadConfig } from '../../cli/queue/config-file.js';
import { knownTarget, probeTarget } from '../../cli/targets/test.js';
import { targetEntry } from '../../cli/targets/add.js';
import type { JsonObject } from '../../render/json.js';
import { probeDocument, probeLine } from '../../render/target.js';

const SECRET = { helpGroup: 'CREDENTIAL', description: '' } as const;

export default class TargetAdd extends BaseCommand {
  static override summary = 'add a server to the config and try it';
  static override description =
    'SECRET says where the secret is, never the secret itself: env:NAME, file:PATH or command:["PROGRAM","ARGUMENT"]; a server that does not answer now is added all the same';
  static override examples = [
    '<%= config.bin %> target add production https://api.example.org/v1 --bearer env:SYNC_TOKEN',
    '<%= config.bin %> target add staging https://staging.example.org/v1 --basic dev=file:/etc/syncq/staging-password',
    '<%= config.bin %> target add local http://localhost:8080 --probe /health',
  ];
  static override args = {
    name: Args.string({ description: 'name to call it by', required: true, ignoreStdin: true }),
    url: Args.string({ description: 'base URL: what all paths are below', required: true, ignoreStdin: true }),
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
      description: 'ask this path whether the server is up [default: only connect]',
      helpValue: 'PATH',
    }),
    default: Flags.boolean({ description: 'make it the default target' }),
    production: Flags.boolean({ description: 'mark it as one that replays need leave for' }),
    'insecure-http': Flags.boolean({ description: 'allow plain http to another machine' }),
  };

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(TargetAdd);
    const lookup = this.configLookup();
    const entry = targetEntry(args.url, { ...flags, header: flags['auth-header'] });
    const edit = addTargetToConfig(configPathForEdit(lookup), args.name, entry, { makeDefault: flags.default });
    const config = loadConfig({ ...lookup, flag: edit.path });
    const target = knownTarget(config, args.name);
    const progress = this.progress(`trying ${args.name}`);
    const probe = await probeTarget(target, config, new AbortController().signal);
    progress.stop();
    const isDefault = edit.defaultTarget === args.name;
    await this.print(
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
