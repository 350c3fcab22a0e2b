import { mock } from 'node:test';

/**
 * In the tests of the suite that asks for it, time passes with the turns of the event loop, a millisecond with each:
 * who talks to servers of the same process is as fast as ever, and a machine that stands still meanwhile makes nobody late.
 */
export function withVirtualTime(): void {
  let turn: NodeJS.Immediate;
  beforeEach(() => {
    let now = performance.now();
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    mock.method(performance, 'now', () => now);
    const pass = () => {
      turn = setImmediate(pass);
      now += 1;
      mock.timers.tick(1);
    };
    pass();
  });
  afterEach(() => {
    clearImmediate(turn);
    mock.timers.reset();
    mock.restoreAll();
  });
}
