import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { freePort } from '../support/server-process';
import { inProject } from './project';

interface Ended {
  code: number | null;
  output: string;
}

/**
 * `npm start` without npm: what was built, in a directory of its own, ending after its first synchronisation.
 * @param killAt output at which it is killed, with all that it started
 */
function startDemo(environment: Record<string, string>, killAt?: string): Promise<Ended> {
  const script = `require(${JSON.stringify(inProject('dist', 'demo', 'start.js'))}).main()`;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', script], {
      env: { ...process.env, LC_ALL: 'C', DEMO_ONCE: '1', ...environment },
      detached: true,
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (killAt !== undefined && output.includes(killAt)) process.kill(-(child.pid as number), 'SIGKILL');
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

/** The service takes whatever it gets, and loses answers: that each confirmation is there once is the hub's doing. */
function assertConfirmedOnce(directory: string): void {
  const database = new DatabaseSync(path.join(directory, 'plant-service.db'), { readOnly: true });
  try {
    const count = 'SELECT count(*) AS taken, count(DISTINCT external_id) AS different FROM confirmations';
    assert.deepEqual({ ...database.prepare(count).get() }, { taken: 38, different: 38 });
  } finally {
    database.close();
  }
}

describe('demo', () => {
  let directory: string;

  before(() => {
    directory = path.join(mkdtempSync(path.join(tmpdir(), 'pcp-demo-')), 'data');
  });

  after(() => rmSync(path.dirname(directory), { recursive: true, force: true }));

  const start = async (environment: Record<string, string> = {}) =>
    startDemo({ DEMO_DIRECTORY: directory, PORT: String(await freePort()), ...environment });

  it('fills the platform from files and the legacy database, rejects the dirt and exports', async () => {
    const { code, output } = await start();
    assert.equal(code, 0, output);
    const lines = [
      'Materials (import): 48 records, 48 new, 0 changed, 0 unchanged, 0 rejected',
      'Work centers (import): 12 records, 12 new, 0 changed, 0 unchanged, 0 rejected',
      'Shifts (import): 3 records, 3 new, 0 changed, 0 unchanged, 0 rejected',
      'Production orders (import): 483 records, 480 new, 0 changed, 0 unchanged, 3 rejected',
      'Downtime (import): 90 records, 90 new, 0 changed, 0 unchanged, 0 rejected',
      'Service orders (import): 60 records, 60 new, 0 changed, 0 unchanged, 0 rejected',
      'Service confirmations (export): 38 records, 38 written, 0 unchanged, 0 rejected',
      'Order list (export): 540 records, 540 written, 0 unchanged, 0 rejected',
      'Rejected and waiting for a correction: 3 records.',
    ];
    for (const line of lines) assert.ok(output.includes(line), `${line}\n${output}`);
    const exported = readFileSync(path.join(directory, 'drop/out/production-orders.csv'), 'utf8');
    assert.equal(exported.trim().split('\n').length, 541);
    for (const name of ['Filling line', 'Energy meter', 'Press'])
      assert.match(output, new RegExp(`${name} values +connected, [1-9]`));
    assert.match(output, /measurement +[1-9]/);
    assertConfirmedOnce(directory);
    assert.ok(!output.includes(readFileSync(path.join(directory, 'plant-service.token'), 'utf8')));
    assert.match(output, /curl -X PUT .*"OP0090000\d".* http\S+\/sync\/dead-letters\/\d+\n/);
    assert.match(output, /curl -X POST .*\{"ids":\[\d+\]\}' http\S+\/sync\/dead-letters\/replay\n/);
  });

  it('continues at the second start: only what is new arrives, in Portuguese when the system is', async () => {
    const line = 'OP00999999;PA000001;Bomba;1,500;PC;09/11/2026 06:00;10/11/2026 14:00;LIB;CT010;1\r\n';
    appendFileSync(path.join(directory, 'drop/in/orders-2026-11-a.csv'), line, 'latin1');
    const { code, output } = await start({ LC_ALL: 'pt_BR.UTF-8' });
    assert.equal(code, 0, output);
    assert.match(output, /Continuando com a planta/);
    assert.match(output, /Production orders \(importação\): \d+ registros?, 1 novo, .*0 rejeitados/);
    assert.match(output, /Stock \(importação\): 0 registros/);
    assert.match(output, /Service confirmations \(exportação\): 38 registros, 0 gravados, 38 sem mudança/);
    assertConfirmedOnce(directory);
    assert.match(output, /production_order +541/);
  });

  it('continues after it was killed while it wrote to the plant service', async () => {
    const killed = path.join(path.dirname(directory), 'killed');
    const environment = { DEMO_DIRECTORY: killed, PORT: String(await freePort()) };
    await startDemo(environment, 'Synchronising "Plant service"');
    const { code, output } = await startDemo(environment);
    assert.equal(code, 0, output);
    assert.match(output, /Continuing with the demo plant/);
    assert.match(output, /Service confirmations \(export\): 38 records, \d+ written, \d+ unchanged, 0 rejected/);
    assert.match(output, /Press values +connected, [1-9]/);
    assertConfirmedOnce(killed);
  });

  it('says so when its port is taken', async () => {
    const server: Server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as { port: number };
      const { code, output } = await start({ PORT: String(port) });
      assert.equal(code, 1);
      assert.match(output, new RegExp(`Port ${port} is taken.*PORT=`));
    } finally {
      server.close();
    }
  });
});
