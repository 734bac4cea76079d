/** Masks an item for display: values masked in its payload are masked in servers' answers too. */
import type { Hide } from '../core/privacy/hide-values.js';
import type { Attempt, ItemDetail, LastError, ResponseExcerpt } from '../core/nouns/item.js';

/** For an answer only the headers; `responseBody` masks the body key by key first. */
export function hidePayloadValues(item: ItemDetail, hide: Hide): ItemDetail {
  return {
    ...item,
    lastError: errorOf(item.lastError, hide),
    response: responseOf(item.response, hide),
    attempts: item.attempts.map((attempt) => attemptOf(attempt, hide)),
  };
}

function errorOf(error: LastError | undefined, hide: Hide): LastError | undefined {
  return error === undefined ? undefined : { ...error, message: hide(error.message) };
}

function attemptOf(attempt: Attempt, hide: Hide): Attempt {
  return {
    ...attempt,
    message: attempt.message === undefined ? undefined : hide(attempt.message),
    url: attempt.url === undefined ? undefined : hide(attempt.url),
    response: responseOf(attempt.response, hide),
  };
}

function responseOf(response: ResponseExcerpt | undefined, hide: Hide): ResponseExcerpt | undefined {
  if (response === undefined) return undefined;
  const headers = Object.entries(response.headers).map(([name, value]) => [name, hide(value)] as const);
  return { ...response, headers: Object.fromEntries(headers) };
}
