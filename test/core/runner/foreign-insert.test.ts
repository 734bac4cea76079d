import { expect, test } from '@jest/globals';

import { testQueue } from '../../support/queue.js';
import { startServer } from '../../support/rest-server.js';
import { raw } from '../store/sqlite/support.js';

test.each(['{"x-version": 2}', '{"x-version": null}', '{"x-version" }', '{"x-version": "2",}'])(
  'a row of another program whose headers are %s is not sent without them, but waits for a person',
  async (headers) => {
    const server = await startServer();
    const { queue, path } = testQueue({ api: { baseUrl: server.url } });
    await queue.enqueue({ method: 'POST', path: '/own', json: 1, entity: 'x/1' });
    raw(path, (db) => {
      const insert = db.prepare(
        "INSERT INTO outbox (target, method, path, payload, entity_type, entity_id, headers) VALUES ('api', 'POST', ?, '1', 'x', ?, ?)",
      );
      insert.run('/odd', '2', headers);
      insert.run('/good', '3', '{"x-version": "2"}');
    });
    expect(await queue.drain()).toMatchObject({ delivered: 2, review: 1 });
    expect(server.requests.map((request) => request.path)).toEqual(['/own', '/good']);
    expect(server.requests[1]?.headers['x-version']).toBe('2');
    const [item] = (await queue.inspect([2])).items;
    expect(item).toMatchObject({ state: 'review', reviewReason: 'rejected' });
    expect(item?.lastError?.message).toBe('this request cannot be sent: its headers are not a JSON object of texts');
  },
);
