import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

describe('a child process of the hub', () => {
  it('ends after its parent, whatever it cannot close', async () => {
    const child = fork(join(__dirname, '../support/hanging-process.js'), { serialization: 'advanced' });
    child.send({ type: 'setup', setup: {} });
    child.send({ type: 'wake' });
    await once(child, 'message');
    child.disconnect();
    assert.deepEqual(await once(child, 'exit'), [1, null]);
  });
});
