/** Log levels: the four levels, and the level of each event. */
import type { QueueEvent } from '../../core/index.js';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export function levelOf(event: QueueEvent): LogLevel {
  switch (event.event) {
    case 'review':
      return 'error';
    case 'held':
      return event.state === 'auth' || event.state === 'misconfigured' ? 'error' : 'warn';
    case 'offline':
    case 'retrying':
      return 'warn';
    case 'started':
    case 'standby':
    case 'online':
    case 'delivered':
    case 'idle':
    case 'stopped':
      return 'info';
    case 'sending':
      return 'debug';
  }
}

/** `debug` lets everything through. */
export function isLogged(event: QueueEvent, level: LogLevel): boolean {
  return LOG_LEVELS.indexOf(levelOf(event)) <= LOG_LEVELS.indexOf(level);
}
