/** The text of a progress line. */
import { span } from '../core/policy/time-words.js';

/** `storing: 1200 of 100000 (9500/s, 10 s left)`; without a total `storing: 1200 (9500/s)`. @param elapsed ms */
export function progressText(label: string, done: number, total: number | undefined, elapsed: number): string {
  const perSecond = (done / Math.max(elapsed, 1)) * 1000;
  const rate = done === 0 ? [] : [`${perSecond >= 10 ? Math.round(perSecond) : perSecond.toFixed(1)}/s`];
  const hasEnd = total !== undefined && total > done && done > 0;
  const left = hasEnd ? [`${span(Math.ceil((total - done) / perSecond) * 1000)} left`] : [];
  const facts = [...rate, ...left].join(', ');
  return `${label}: ${done}${total === undefined ? '' : ` of ${Math.max(total, done)}`}${facts === '' ? '' : ` (${facts})`}`;
}
