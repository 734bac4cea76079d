/**
 * What `doctor` does besides examining: repair, save, adopt. It examines again afterwards, so that the report is
 * current.
 */
import type { Examination } from '../../core/store/doors/care.js';
import { adoptQueue, examineQueue, repairQueue } from '../../core/store/doors/care.js';
import { QueueError } from '../../core/nouns/errors.js';
import type { DoctorActions } from '../../render/doctor.js';
import { confirmed } from '../program/confirm.js';
import type { FoundFile } from './file-place.js';
import { saveItems } from './save-items.js';
import { refuseNotFound } from '../program/usage.js';

export interface DoctorFlags {
  repair: boolean;
  save: string | undefined;
  adopt: boolean;
  yes: boolean;
  json: boolean;
}

export interface By {
  who: string;
  command: string;
  reason: string | undefined;
}

export async function carryOutDoctor(
  file: FoundFile,
  flags: DoctorFlags,
  by: By,
): Promise<{ examination: Examination; actions: DoctorActions }> {
  const actions: DoctorActions = { repaired: undefined, saved: undefined, adopted: undefined };
  let examination = await look(file);
  if (flags.save !== undefined) {
    assertReadable(examination);
    actions.saved = saveItems(file, flags.save);
  }
  if (flags.adopt) {
    assertCopy(file, examination);
    const go = await confirmed({
      lines: [
        `${file.path} is a copy of ${examination.copyOf ?? ''}.`,
        'Whatever the original has sent since then goes out a second time, under the same keys; both must never send.',
        'Adopt it',
      ],
      would: `${file.path} would become a queue of its own`,
      yes: flags.yes,
      json: flags.json,
    });
    if (go) actions.adopted = await adoptQueue(file, by);
  }
  if (flags.repair) actions.repaired = await repairQueue(file, by);
  if (flags.adopt || flags.repair) examination = await look(file);
  return { examination, actions };
}

async function look(file: FoundFile): Promise<Examination> {
  return examineQueue(file, file.config);
}

/** Findings that forbid saving: the file belongs to somebody else or is not a queue. Damage does not. */
const NOT_OURS = ['queue-owner', 'not-a-queue', 'newer-schema'];

function assertReadable({ findings }: Examination): void {
  const reason = findings.find(({ code }) => NOT_OURS.includes(code));
  if (reason === undefined) return;
  throw new QueueError(
    reason.code as 'not-a-queue',
    reason.message,
    reason.next === undefined ? {} : { hint: reason.next },
  );
}

function assertCopy(file: FoundFile, { copyOf, findings }: Examination): void {
  const damage = findings.find(({ severity }) => severity === 'unusable');
  if (damage !== undefined)
    throw new QueueError(
      'corrupt',
      `${damage.message}; nothing was changed`,
      damage.next === undefined ? {} : { hint: damage.next },
    );
  if (copyOf === undefined) refuseNotFound(`${file.path} is no copy; nothing was changed`);
}
