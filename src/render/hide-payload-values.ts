/** An item as it may be shown: what its payload hides is hidden too where servers repeated it. */
import type { Hide } from '../core/privacy/hide-values.js';
import type { Attempt, ItemDetail, LastError, ResponseExcerpt } from '../core/nouns/item.js';

/** Of an answer only the headers: its body is hidden key by key first, see `responseBody`. */
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
