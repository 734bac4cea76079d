// Queues an activity and a comment on it in one transaction, prints the ids of the two items, and sends what is due:
//     node library.mjs QUEUE_FILE BASE_URL NAME
// Needs `npm install syncq`. The queue file is made when it is not there.
import { randomUUID } from 'node:crypto';
import { openQueue } from 'syncq';

const [queueFile, baseUrl, name] = process.argv.slice(2);
const queue = await openQueue({ queue: queueFile, config: { targets: { api: { baseUrl } } }, env: process.env });
const id = randomUUID();
const entity = `activity/${id}`; // writes about one entity arrive in this order
const stored = await queue.enqueueMany([
  { method: 'POST', path: '/activities', entity, json: { id, name } },
  { method: 'POST', path: `/activities/${id}/comments`, entity, json: { text: 'done' } },
]);
console.log(...stored.map((item) => item.id));
const { delivered } = await queue.drain();
console.log(`${delivered} delivered`);
await queue.close();
