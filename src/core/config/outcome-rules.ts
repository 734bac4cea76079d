/** Reads `outcomes` of the config, an object by status or class or a list of rules, into rules. */
import { OVERRIDE_OUTCOMES, type OutcomeRule } from '../nouns/target.js';
import { answerHeaders } from './header.js';
import type { Place, Reader } from '../check/readers.js';
import { below, fail, flag, list, object, oneOf, record, show } from '../check/readers.js';
import { checkPattern } from '../privacy/sensitive.js';

const MOST_RULES = 64;

const CLASS = /^[345]xx$/;
const NO_STATUS = 'write one from 300 to 599 or a class such as 5xx ("expect" is for 2xx)';

const means = oneOf(...OVERRIDE_OUTCOMES);

const status: Reader<number | string> = (value, at) => {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 300 && value <= 599) return value;
  if (typeof value === 'string' && CLASS.test(value)) return value;
  return fail(at, `${show(value)} is not a status for a rule; ${NO_STATUS}, a status as a number`);
};

const statuses: Reader<(number | string)[]> = (value, at) =>
  Array.isArray(value) ? list(status, 1)(value, at) : [status(value, at)];

function checkPointer(key: string, at: Place): void {
  if (key !== '' && !key.startsWith('/')) fail(at, 'is not a JSON Pointer; write it from / on, such as /code');
  const problem = checkPattern(key);
  if (problem !== undefined) fail(at, problem);
}

/** Refuses numbers beyond 2^53: as doubles, different ones would be equal. */
const scalar: Reader<string | number | boolean | null> = (value, at) => {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value;
  return fail(at, `${show(value)} cannot be compared; write a text, a number up to 2^53, true, false or null`);
};

const bodyValues = record(checkPointer, scalar);

function notEmpty<T extends object>(inner: Reader<T>): Reader<T> {
  return (value, at) => {
    const read = inner(value, at);
    return Object.keys(value as object).length > 0 ? read : fail(at, 'is empty; name at least one');
  };
}

const shape = object(
  {
    status: statuses,
    body: notEmpty<Map<string, string | number | boolean | null>>(bodyValues),
    header: notEmpty(answerHeaders),
    means,
    onlyRepeat: flag,
  },
  ['means'],
);

const rule: Reader<OutcomeRule> = (value, at) => {
  const { status: of, body, header, means: outcome, onlyRepeat = true } = shape(value, at);
  const isNarrow = body !== undefined || header !== undefined;
  if (of === undefined && !isNarrow) return fail(at, 'fits everything; name a "status", a "body" or a "header"');
  if (!onlyRepeat && !(isNarrow && outcome === 'delivered')) {
    return fail(
      below(at, 'onlyRepeat'),
      'only a rule that means delivered and has a "body" or a "header" may be false',
    );
  }
  return { status: of, body: body && Object.fromEntries(body), header, means: outcome, onlyRepeat };
};

function checkStatusKey(key: string, at: Place): void {
  if (!/^[3-5]\d\d$/.test(key) && !CLASS.test(key)) fail(at, `is not a status for a rule; ${NO_STATUS}`);
}

const byStatus = record(checkStatusKey, means);

/** `{ "4xx": "rejected", "409": "delivered" }`: a status comes before a class, because number keys come first in an object. */
function fromObject(value: unknown, at: Place): OutcomeRule[] {
  return Array.from(byStatus(value, at), ([key, outcome]) => ({
    status: [CLASS.test(key) ? key : Number(key)],
    body: undefined,
    header: undefined,
    means: outcome,
    onlyRepeat: true,
  }));
}

export const outcomes: Reader<OutcomeRule[]> = (value, at) => {
  if (!Array.isArray(value)) return fromObject(value, at);
  if (value.length > MOST_RULES) return fail(at, `has ${value.length} rules; write at most ${MOST_RULES}`);
  return list(rule, 0)(value, at);
};
