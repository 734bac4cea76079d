/**
 * What every store does, whatever it keeps its items in: one suite, run once per kind of store. A test file hands in how
 * a fresh queue is opened; `sqlite/store.test.ts` does it for files.
 */
/* eslint-disable jest/no-export -- a suite that the test file of each store runs */
import { describe } from '@jest/globals';

import { archiveConformance } from './conformance/archive.js';
import { arrivalConformance } from './conformance/arrival.js';
import { deskConformance } from './conformance/desk.js';
import { enqueueConformance } from './conformance/enqueue.js';
import type { OpenSubject } from './conformance/harness.js';
import { headlineConformance } from './conformance/headline.js';
import { peopleConformance } from './conformance/people.js';
import { readingConformance } from './conformance/reading.js';
import { sendingConformance } from './conformance/sending.js';

export type { OpenSubject, Subject } from './conformance/harness.js';

export function storeConformance(kind: string, open: OpenSubject): void {
  describe(`the ${kind} store`, () => {
    describe('stores', () => {
      enqueueConformance(open);
    });
    describe('sends', () => {
      sendingConformance(open);
    });
    describe('remembers', () => {
      arrivalConformance(open);
    });
    describe('obeys', () => {
      peopleConformance(open);
    });
    describe('serves the support desk', () => {
      deskConformance(open);
    });
    describe('moves items', () => {
      archiveConformance(open);
    });
    describe('reads', () => {
      readingConformance(open);
      headlineConformance(open);
    });
  });
}
