import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isPortFree } from '../../demo/node-red';
import { SeededRandom } from '../../demo/random';
import { FillingLine, type State } from '../../demo/shop-floor/filling-line';
import { type MachineName, type MachinePorts, Machines } from '../../demo/shop-floor/machines';
import { REGISTERS, readMeter, writeRegisters } from '../../demo/shop-floor/meter';
import { Press } from '../../demo/shop-floor/press';
import { freePort } from '../support/server-process';
import { inProject } from './project';

/** Where PackML lets a unit go from each state. */
const TRANSITIONS: Record<State, State[]> = {
  Idle: ['Starting'],
  Starting: ['Execute'],
  Execute: ['Suspending', 'Holding', 'Completing', 'Aborting'],
  Suspending: ['Suspended'],
  Suspended: ['Unsuspending'],
  Unsuspending: ['Execute'],
  Holding: ['Held'],
  Held: ['Unholding'],
  Unholding: ['Execute'],
  Completing: ['Complete'],
  Complete: ['Resetting'],
  Resetting: ['Idle'],
  Aborting: ['Aborted'],
  Aborted: ['Clearing'],
  Clearing: ['Stopped'],
  Stopped: ['Resetting'],
};

describe('machines of the demo', () => {
  it('the filling line goes from state to state as PackML allows, and fills only in Execute', () => {
    const line = new FillingLine(new SeededRandom(1));
    const seen = new Set<State>();
    for (let second = 0; second < 600; second++) {
      const [before, filled] = [line.state, line.processed];
      line.advance(1);
      if (line.state !== before) assert.ok(TRANSITIONS[before].includes(line.state), `${before} to ${line.state}`);
      if (line.speed === 0) assert.equal(line.processed, filled);
      seen.add(line.state);
    }
    assert.deepEqual([...seen].sort(), Object.keys(TRANSITIONS).sort());
    assert.ok(line.processed > 300 && line.defective > 0 && line.defective < line.processed);
    assert.equal(line.consumed, line.processed);
  });

  it('the meter counts what it measures, and goes on after a start', () => {
    const at = Date.UTC(2026, 10, 27, 12);
    const [before, after] = [readMeter(at), readMeter(at + 1000)];
    assert.ok(Math.abs((after.energy - before.energy) * 3600 - (before.power + after.power) / 2) < 1);
    const registers = Buffer.alloc(REGISTERS * 2);
    writeRegisters(registers, before);
    assert.equal(registers.readInt32BE(24), Math.round(before.power * 100));
    assert.ok(Math.abs(registers.readFloatBE(32) - before.frequency) < 1e-3);
    const [low, high] = [registers.readUInt16BE(60), registers.readUInt16BE(62)];
    assert.equal(high * 65_536 + low, Math.round(before.energy * 100));
  });

  it('the press reports each lot once, with all of its parts', () => {
    const press = new Press(new SeededRandom(1));
    const start = Date.UTC(2026, 10, 27, 12);
    const lots = Array.from({ length: 600 }, (_, second) => press.advance(1, start + second * 1000)).filter(
      (lot) => lot !== undefined,
    );
    assert.ok(lots.length > 5);
    assert.equal(new Set(lots.map(({ lot }) => lot)).size, lots.length);
    for (const { good, scrap, started_at, ended_at } of lots) {
      assert.equal(good + scrap, 25);
      assert.ok(started_at < ended_at);
    }
  });

  describe('as processes', () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'pcp-machines-'));
    let machines: Machines;
    const told: string[] = [];
    let onTold: () => void = () => undefined;

    before(async () => {
      const tell = (what: string) => {
        told.push(what);
        onTold();
      };
      machines = await Machines.start(
        directory,
        await freePort(),
        { off: (name) => tell(`${name} off`), on: (name) => tell(`${name} on`) },
        0,
      );
    });
    after(async () => {
      await machines.stop();
      rmSync(directory, { recursive: true, force: true });
    });

    const untilTold = async (what: string): Promise<void> => {
      while (!told.includes(what)) {
        await new Promise<void>((resolve) => {
          onTold = resolve;
        });
      }
    };

    it('come back when one was killed, at the same address', async () => {
      const before = machines.pid('energy-meter') as number;
      await connected(machines.ports['energy-meter']);
      process.kill(before, 'SIGKILL');
      await untilTold('energy-meter on');
      assert.notEqual(machines.pid('energy-meter'), before);
      await connected(machines.ports['energy-meter']);
      assert.deepEqual(told, ['energy-meter off', 'energy-meter on']);
    });

    it('bear it that whoever asked is gone before the answer', async () => {
      const { ports } = machines;
      const pid = machines.pid('energy-meter');
      const request = Buffer.from('000100000006010400000020', 'hex');
      for (let round = 0; round < 20; round++) {
        const socket = connect(ports['energy-meter'], '127.0.0.1');
        await once(socket, 'connect');
        socket.write(Buffer.concat(Array(200).fill(request)));
        socket.resetAndDestroy();
      }
      const [answer] = await exchanged(ports['energy-meter'], request);
      assert.equal(answer?.readUInt8(7), 4);
      assert.equal(machines.pid('energy-meter'), pid);
    });

    it('end with who started them, however that ends', async () => {
      const file = JSON.stringify(inProject('dist', 'demo', 'shop-floor', 'machines.js'));
      const script = `require(${file}).Machines.start(${JSON.stringify(directory)}, ${await freePort()}, {}).then((machines) =>
        process.send(machines.ports))`;
      const demo = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
      const [ports] = (await once(demo, 'message')) as [MachinePorts];
      for (const port of Object.values(ports)) await connected(port);
      demo.kill('SIGKILL');
      for (const port of Object.values(ports)) while (!(await isPortFree(port))) await delay(20);
    });

    it('are all gone at the end, also one that hangs', async () => {
      const names: MachineName[] = ['filling-line', 'energy-meter', 'broker', 'press'];
      const pids = names.map((name) => machines.pid(name) as number);
      process.kill(pids[2] as number, 'SIGSTOP');
      await machines.stop();
      assert.deepEqual(pids.filter(isAlive), []);
      assert.deepEqual(told.slice(2), []);
    });
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function exchanged(port: number, request: Buffer): Promise<Buffer[]> {
  const socket = connect(port, '127.0.0.1');
  try {
    socket.write(request);
    return await once(socket, 'data');
  } finally {
    socket.destroy();
  }
}

/** Resolves when something listens there. */
async function connected(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      // It is still coming up.
      await delay(20);
    } finally {
      socket.destroy();
    }
  }
}
