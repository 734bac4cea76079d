/** Waits until items are delivered, for scripts. Sends nothing itself. */
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../cli/queue/base-command.js';
import { durationFlag } from '../cli/items/duration-flag.js';
import { EXIT, exitCodeOfSignal } from '../cli/program/exit-codes.js';
import { readIds } from '../cli/items/ids.js';
import { catchSignals } from '../cli/program/signals.js';
import { refuseUsage } from '../cli/program/usage.js';
import { waitAnswer, waitIds } from '../cli/items/wait.js';
import type { JsonObject } from '../render/json.js';

export default class Wait extends BaseCommand {
  static override summary = 'wait until items are delivered';
  static override description =
    'Exit code 0: all are completed, 3: one is in review or discarded, 4: the time is over. It sends nothing itself.';
  static override examples = [
    '<%= config.bin %> wait 1041 --timeout 30s',
    '<%= config.bin %> wait --key photo-42-1 --timeout 5m',
    '<%= config.bin %> wait $(<%= config.bin %> enqueue POST /notes -d "{}")',
  ];
  static override args = {
    id: Args.string({ description: 'ids of items, or - for ids on stdin', multiple: true, ignoreStdin: true }),
  };
  static override flags = {
    key: Flags.string({ description: 'the item with this idempotency key', helpValue: 'KEY' }),
    timeout: Flags.string({ description: 'give up after this time [default: never]', helpValue: 'DUR' }),
  };

  override async run(): Promise<JsonObject> {
    const { args, flags } = await this.parse(Wait);
    const words = args.id ?? [];
    if (words.length > 0 === (flags.key !== undefined))
      refuseUsage('nothing says which items', 'Give ids, - for ids on stdin, or --key.');
    const timeoutMs = durationFlag('timeout', flags.timeout);
    const ids = await readIds(words, process.stdin);
    const queue = await this.openQueue('read');
    const wanted = await waitIds(queue, ids, flags.key);
    const progress = await this.progress('waiting');
    const stopping = catchSignals();
    try {
      const result = await queue.wait(wanted, {
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        stop: stopping.stop,
      });
      progress.stop();
      const signal = stopping.received();
      const code = result.failed ? EXIT.needsPerson : result.done ? EXIT.ok : EXIT.tryLater;
      this.endWith(signal === undefined ? code : exitCodeOfSignal(signal));
      const answer = waitAnswer(result, this.view);
      await this.printAdvice(...answer.lines);
      return answer.document;
    } finally {
      stopping.dispose();
    }
  }
}
