import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { AtomicFile } from '../../../src/core/files/atomic-file.js';
import { BundleWriter, verifyBundle, type BundlePrologue } from '../../../src/core/transfer/bundle-file.js';
import { recipientsOf } from '../../../src/core/transfer/bundle-recipients.js';
import { tempDirectory } from '../../support/temp.js';

const target = (name: string, delivered: boolean | undefined, boundTo?: string): BundlePrologue['targets'][number] => ({
  name,
  order: 'entity',
  implicitBaseUrl: undefined,
  boundTo,
  delivered,
});

function prologueRead(written: BundlePrologue): BundlePrologue {
  const path = join(tempDirectory(), 'queue.bundle');
  const file = new AtomicFile(path);
  new BundleWriter(file, written).finish({ createdAt: 0, syncq: '1.0.0', queue: 'uuid', redacted: false });
  file.commit();
  return verifyBundle(path).prologue;
}

describe('a bundle', () => {
  test('says by server who has its items, and which targets are marked', () => {
    const recipients = [{ baseUrl: 'https://old.example.org', target: 'production', why: 'delivered' as const }];
    const config = { targets: { m: { baseUrl: 'https://m.example.org', production: true }, s: { baseUrl: 'https://s.example.org', production: false } } }; // prettier-ignore
    const prologue = prologueRead({ targets: [target('staging', true, 'https://s.example.org')], config, recipients });
    expect(recipientsOf(prologue)).toEqual([
      ...recipients,
      { baseUrl: 'https://m.example.org', target: 'm', why: 'production' },
    ]);
  });

  test('that does not is read by its targets: delivered, not delivered, or in doubt', () => {
    const targets = [
      target('production', true, 'https://p.example.org'),
      target('staging', false, 'https://s.example.org'),
      target('older', undefined, 'https://o.example.org'),
      target('unbound', true),
      target('nowhere', true),
    ];
    const config = { targets: { unbound: { baseUrl: 'https://u.example.org' }, odd: null } };
    expect(recipientsOf(prologueRead({ targets, config, recipients: undefined }))).toEqual([
      { baseUrl: 'https://p.example.org', target: 'production', why: 'delivered' },
      { baseUrl: 'https://o.example.org', target: 'older', why: 'untold' },
      { baseUrl: 'https://u.example.org', target: 'unbound', why: 'delivered' },
      { baseUrl: undefined, target: 'nowhere', why: 'delivered' },
    ]);
  });

  test.each([undefined, null, 'text', []])('with a config of no known form (%j) is read all the same', (targets) => {
    expect(recipientsOf({ targets: [], config: { targets }, recipients: [] })).toEqual([]);
  });
});
