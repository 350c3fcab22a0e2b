import { mock } from 'node:test';

/**
 * In the tests of the suite that asks for it, time passes with the turns of the event loop, a millisecond with each:
 * who talks to servers of the same process is as fast as ever, and a machine that stands still meanwhile makes nobody late.
 */
export function withVirtualTime(): void {
  let isOn = false;
  beforeEach(() => {
    isOn = true;
    let now = performance.now();
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    mock.method(performance, 'now', () => now);
    const pass = () => {
      if (!isOn) return;
      now += 1;
      mock.timers.tick(1);
      setImmediate(pass);
    };
    pass();
  });
  afterEach(() => {
    isOn = false;
    mock.timers.reset();
    mock.restoreAll();
  });
}
