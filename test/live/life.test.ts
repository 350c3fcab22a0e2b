import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DebugMessages } from './debug-messages';
import { exampleFlow, type FlowNode, NodeRed } from './node-red-process';

interface Row {
  id: number;
  name: string;
  node_id: string;
  is_active: boolean;
  managed_by: string;
}
interface Log {
  job_id: string;
  status: string;
  records_success: number;
  details: { created: number; unchanged: number; state: string };
}
interface List<T> {
  items: T[];
  total: number;
}

const ROWS = 120_000;

/** The pcp-sync example on a file that takes some seconds. */
function syncFlow(prefix = 'pcp-ex-sync'): FlowNode[] {
  const text = JSON.stringify(exampleFlow('pcp-sync')).replaceAll('pcp-ex-sync', prefix);
  return JSON.parse(text) as FlowNode[];
}

describe('flows and runs over time', () => {
  let folder: string;
  let nodeRed: NodeRed;
  let environment: Record<string, string>;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pcp-life-'));
    environment = { PCP_EXAMPLES: folder };
    const lines = Array.from({ length: ROWS }, (_, index) => `${1_000_000 + index};BOLT-M8;${index},5;20261124;REL`);
    writeFileSync(join(folder, 'sync-orders.csv'), `AUFNR;MATNR;GAMNG;GSTRP;STAT\n${lines.join('\n')}\n`);
  });
  afterEach(async () => {
    await nodeRed?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const connections = () => nodeRed.json<List<Row>>('GET', '/integrations/connections');
  /** Nodes register behind the deploy: asks until the connections are as wanted. */
  async function connectionsWhen(wanted: (rows: Row[]) => boolean): Promise<Row[]> {
    for (;;) {
      const { items } = await connections();
      if (wanted(items)) return items;
    }
  }

  const logs = () => nodeRed.json<List<Log>>('GET', '/integrations/sync/logs');
  const orders = async () =>
    (await nodeRed.json<List<unknown>>('GET', '/integrations/entities/production_order/records?limit=1')).total;

  /** Asks until the newest run has ended; each question waits for its answer. */
  async function ended(): Promise<Log> {
    for (;;) {
      const [log] = (await logs()).items;
      if (log && log.status !== 'in_progress') return log;
    }
  }

  async function runBegun(debug: DebugMessages): Promise<void> {
    await nodeRed.inject('pcp-ex-sync-start');
    await debug.next<{ processed: number }>('pcp-ex-sync-progress', (progress) => progress.processed > 0);
  }

  it('a deploy in the middle of a run leaves the run alone', async () => {
    nodeRed = await NodeRed.start({ flows: syncFlow(), environment });
    const debug = await DebugMessages.open(nodeRed.url);
    await runBegun(debug);
    const before = (await connections()).items.map(({ id, node_id }) => [id, node_id]);
    const changed = syncFlow().map((node) => (node.type === 'pcp-sync' ? { ...node, name: 'renamed' } : node));
    await nodeRed.deploy(changed);
    assert.equal((await logs()).items[0]?.status, 'in_progress', 'the run must outlast the deploy to prove something');
    const log = await ended();
    assert.deepEqual([log.status, log.details.created], ['success', ROWS]);
    assert.equal((await logs()).total, 1);
    assert.deepEqual(
      (await connections()).items.map(({ id, node_id }) => [id, node_id]),
      before,
    );
    assert.equal(await orders(), ROWS);
    debug.close();
  });

  it('a run goes on by itself after Node-RED was stopped in the middle of it', async () => {
    nodeRed = await NodeRed.start({ flows: syncFlow(), environment });
    const debug = await DebugMessages.open(nodeRed.url);
    await runBegun(debug);
    debug.close();
    assert.equal(await nodeRed.stop(), 0);
    nodeRed = await NodeRed.start({ userDir: nodeRed.userDir, environment });
    const log = await ended();
    assert.equal(log.status, 'success', nodeRed.output);
    assert.equal(await orders(), ROWS);
    assert.equal((await logs()).total, 1, 'it is the same run that went on');
  });

  it('two copies of a flow have rows of their own and double nothing', async () => {
    nodeRed = await NodeRed.start({ flows: [...syncFlow(), ...syncFlow('copy')], environment });
    const debug = await DebugMessages.open(nodeRed.url);
    const rows = await connectionsWhen(({ length }) => length === 2);
    assert.equal(new Set(rows.map(({ name }) => name)).size, 2);
    await Promise.all([nodeRed.inject('pcp-ex-sync-start'), nodeRed.inject('copy-start')]);
    await Promise.all([debug.next('pcp-ex-sync-result'), debug.next('copy-result')]);
    assert.equal(await orders(), ROWS);
    debug.close();
  });

  it('a connection whose node is gone becomes inactive, and comes back with its id', async () => {
    nodeRed = await NodeRed.start({ flows: syncFlow(), environment });
    const [before] = await connectionsWhen(([row]) => row?.is_active === true);
    await nodeRed.deploy([{ id: 'empty', type: 'tab', label: 'empty' }]);
    assert.equal((await connections()).items[0]?.is_active, false);
    await nodeRed.deploy(syncFlow());
    const [after] = await connectionsWhen(([row]) => row?.is_active === true);
    assert.deepEqual([after?.id, after?.managed_by], [before?.id, 'flow']);
    // The same when the node goes away while Node-RED is down.
    await nodeRed.stop();
    writeFileSync(join(nodeRed.userDir, 'flows.json'), '[]');
    nodeRed = await NodeRed.start({ userDir: nodeRed.userDir, environment });
    await connectionsWhen(([row]) => row?.is_active === false);
  });

  it('keeps a password out of everything but the encrypted credentials', async () => {
    const canary = 'canary-5f1c';
    const database = {
      id: 'erp',
      type: 'pcp-connection',
      name: 'ERP',
      connectorType: 'generic.database',
      description: '',
      timezone: '',
      config: { dialect: 'postgres', host: '127.0.0.1', port: 1, database: 'erp', username: 'pcp' },
    };
    nodeRed = await NodeRed.start({ flows: [] });
    const flows = [
      { id: 'tab', type: 'tab', label: 'x' },
      { ...database, credentials: { password: canary } },
    ];
    await nodeRed.deploy(flows);
    const [row] = await connectionsWhen(({ length }) => length === 1);
    const answers = [
      await nodeRed.request('GET', '/integrations/connections'),
      await nodeRed.request('POST', `/integrations/connections/${row?.id}/test`, {}),
      await nodeRed.request('GET', `/integrations/connections/${row?.id}/entities`),
      await nodeRed.request('GET', '/flows'),
    ];
    for (const answer of answers) assert.doesNotMatch(await answer.text(), new RegExp(canary));
    assert.deepEqual((row as unknown as { credentials: unknown }).credentials, { password: true });
    assert.doesNotMatch(nodeRed.output, new RegExp(canary));
    const { runner } = await nodeRed.json<{ runner: { pid: number } }>('GET', '/integrations/health');
    await nodeRed.stop();
    // It closes the store behind Node-RED, and takes files away.
    while (existsSync(`/proc/${runner.pid}`)) await delay(10);
    const files = readdirSync(nodeRed.userDir, { recursive: true, withFileTypes: true });
    for (const file of files.filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))) {
      const content = readFileSync(join(file.parentPath, file.name));
      assert.equal(content.includes(canary), false, file.name);
    }
  });

  it('answers a repeated request with the same Idempotency-Key from memory', async () => {
    nodeRed = await NodeRed.start({ flows: [] });
    const body = { name: 'Once', connector_type: 'generic.file', config: { root: folder } };
    const headers = { 'idempotency-key': 'key-1' };
    const first = await nodeRed.json<Row>('POST', '/integrations/connections', body, headers);
    const second = await nodeRed.json<Row>('POST', '/integrations/connections', body, headers);
    assert.equal(second.id, first.id);
    assert.equal((await connections()).total, 1);
  });
});
