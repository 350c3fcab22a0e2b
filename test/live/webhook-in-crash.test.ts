import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openStore } from '../../lib/store/store';
import { WebhookSender } from '../support/webhook-sender';
import { storeKinds } from '../unit/store/stores';
import { type FlowNode, NodeRed, type NodeRedVersion } from './node-red-process';

const TOKEN = 'hSdQ7cYxT0mB1r9vKzN2aw';
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
/** How often one delivery is sent. */
const SENT = Number(process.env.PCP_TEST_DELIVERIES ?? 30);
const RESTARTS = Number(process.env.PCP_TEST_RESTARTS ?? 2);

/** Writes down which delivery came, and whether it may have come before; then it acknowledges, unless it is held up. */
function flow(isHeldUp: boolean): FlowNode[] {
  const credentials = { token: TOKEN, secret: SECRET };
  const line = '$string(webhook.id) & " " & $string(webhook.redelivered)';
  const rules = [{ t: 'set', p: 'payload', pt: 'msg', to: line, tot: 'jsonata' }];
  const file = {
    filename: 'taken.txt',
    filenameType: 'str',
    appendNewline: true,
    overwriteFile: 'false',
    createDir: false,
  };
  // Without a place Node-RED takes a node for a config node.
  const node = { z: 'tab', x: 100, y: 100 };
  return [
    { id: 'tab', type: 'tab', label: 'hook' },
    {
      ...{ ...node, id: 'hook', type: 'pcp-webhook-in', verification: 'standard', acknowledge: 'manual' },
      ...{ acknowledgeTimeout: '3600', credentials, wires: isHeldUp ? [[]] : [['line']] },
    },
    { ...node, id: 'line', type: 'change', rules, wires: [['file']] },
    { ...node, id: 'file', type: 'file', ...file, wires: [['hook']] },
  ];
}

const CASES: { version: NodeRedVersion; store: string }[] = [
  { version: 'node-red', store: 'SQLite' },
  { version: 'node-red', store: 'PostgreSQL' },
  { version: 'node-red-4', store: 'SQLite' },
];

for (const { version, store } of CASES) {
  describe(`pcp-webhook-in in ${version} with ${store}, when Node-RED dies`, function () {
    this.timeout(180_000 + SENT * 200);
    let nodeRed: NodeRed;
    let place: Awaited<ReturnType<(typeof storeKinds)[number]['place']>>;

    beforeEach(async function () {
      const kind = storeKinds.find(({ name }) => name === store);
      assert.ok(kind);
      place = await kind.place(this);
      const { url } = place.options;
      const settings = url === undefined ? {} : { integrations: { storeUrl: url } };
      nodeRed = await NodeRed.start({ version, flows: [], settings });
    });
    afterEach(async () => {
      await nodeRed?.remove();
      await place?.remove();
    });

    const send = (id: string) =>
      new WebhookSender(`${nodeRed.url}/integrations/hooks/${TOKEN}`, SECRET).send(id, { order: id });
    const taken = (): string[] => {
      const file = join(nodeRed.userDir, 'taken.txt');
      return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).sort() : [];
    };
    const takenAre = async (count: number): Promise<void> => {
      while (taken().length < count) await pause(50);
    };

    async function restart(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
      const exit = once(nodeRed.process, 'exit');
      nodeRed.process.kill(signal);
      await exit;
      const { url } = place.options;
      const settings = url === undefined ? {} : { integrations: { storeUrl: url } };
      nodeRed = await NodeRed.start({ version, settings, userDir: nodeRed.userDir });
    }

    /** What the dead process held is free at once, and not in a minute. */
    async function endLeases(): Promise<void> {
      if (place.options.url === undefined) return;
      const { database, close } = await openStore(place.options);
      await database.execute('UPDATE integration_webhook_inbox SET lease_until = 0');
      await close();
    }

    it('processes what it answered, once it is back', async () => {
      await nodeRed.deploy(flow(true));
      const ids = ['m1', 'm2', 'm3'];
      for (const id of ids) assert.equal((await send(id)).status, 202);
      await restart('SIGKILL');
      await endLeases();
      await nodeRed.deploy(flow(false));
      await takenAre(ids.length);
      assert.deepEqual(
        taken(),
        ids.map((id) => `${id} true`),
      );
      for (const id of ids) assert.equal((await send(id)).status, 200);
      assert.equal((await send('m4')).status, 202);
      await takenAre(ids.length + 1);
      assert.deepEqual(taken(), [...ids.map((id) => `${id} true`), 'm4 false']);
    });

    it(`processes one delivery once that comes ${SENT} times over ${RESTARTS} restarts`, async () => {
      await nodeRed.deploy(flow(false));
      await send('m1');
      await takenAre(1);
      for (let life = 0; life <= RESTARTS; life++) {
        if (life > 0) await restart(life % 2 === 0 ? 'SIGTERM' : 'SIGKILL');
        const answers = [];
        for (let time = 0; time < SENT / (RESTARTS + 1); time++) answers.push(await send('m1'));
        assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
      }
      await send('m2');
      await takenAre(2);
      assert.deepEqual(taken(), ['m1 false', 'm2 false']);
    });
  });
}
