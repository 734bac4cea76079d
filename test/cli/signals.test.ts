import { describe, expect, test } from '@jest/globals';

import { catchSignals } from '../../src/cli/program/signals.js';

describe('signals', () => {
  test('the first asks to stop, the second cuts off, and then the system is in charge again', () => {
    const before = process.listenerCount('SIGINT');
    const told: string[] = [];
    const stopping = catchSignals({ onSignal: (signal, count) => told.push(`${signal} ${count}`) });
    process.emit('SIGINT', 'SIGINT');
    expect([stopping.stop.aborted, stopping.abort.aborted]).toEqual([true, false]);
    process.emit('SIGTERM', 'SIGTERM');
    expect(stopping.abort.aborted).toBe(true);
    expect(stopping.received()).toBe('SIGINT');
    expect(told).toEqual(['SIGINT 1', 'SIGTERM 2']);
    expect(process.listenerCount('SIGINT')).toBe(before);
  });

  test('SIGHUP stops, where nothing can be reloaded', () => {
    const stopping = catchSignals();
    process.emit('SIGHUP', 'SIGHUP');
    expect([stopping.stop.aborted, stopping.received()]).toEqual([true, 'SIGHUP']);
    stopping.dispose();
  });

  test('a command may end itself, without a signal', () => {
    const stopping = catchSignals();
    stopping.end();
    expect([stopping.stop.aborted, stopping.received()]).toEqual([true, undefined]);
    stopping.dispose();
  });
});
