import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { WebhookSender } from '../support/webhook-sender';
import { DebugMessages } from './debug-messages';
import { exampleFlow, type FlowNode, NodeRed, type NodeRedVersion } from './node-red-process';

const TOKEN = 'hSdQ7cYxT0mB1r9vKzN2aw';
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const HOOK = 'pcp-ex-webhook-in-hook';

/** The example as somebody has it who entered address and secret. */
function example(changes: Record<string, unknown> = {}): FlowNode[] {
  return exampleFlow('pcp-webhook-in').map((node) =>
    node.id === HOOK ? { ...node, credentials: { token: TOKEN, secret: SECRET }, ...changes } : node,
  );
}

/** Where admin side and HTTP nodes of Node-RED may be. */
const LAYOUTS = [
  {},
  { httpAdminRoot: '/red' },
  { httpNodeRoot: '/api' },
  { httpAdminRoot: '/red', httpNodeRoot: '/api' },
  { httpAdminRoot: '/red', httpNodeRoot: '/red/nodes' },
];

for (const version of ['node-red', 'node-red-4'] satisfies NodeRedVersion[]) {
  describe(`pcp-webhook-in in ${version}`, function () {
    this.timeout(180_000);
    let nodeRed: NodeRed;

    afterEach(() => nodeRed?.remove());

    for (const layout of LAYOUTS) {
      it(`verifies the bytes as they were sent with roots ${JSON.stringify(layout)}`, async () => {
        nodeRed = await NodeRed.start({ version, flows: [], settings: layout });
        const { httpAdminRoot = '', httpNodeRoot = '' } = layout;
        await nodeRed.deploy(example(), 'full', httpAdminRoot);
        const debug = await DebugMessages.open(nodeRed.url + httpAdminRoot);
        const url = `${nodeRed.url}${httpNodeRoot}/integrations/hooks/${TOKEN}`;
        const sender = new WebhookSender(url, SECRET);
        // Parsed and printed again, this is another text.
        const body = '{"material": "EX-NUT-M10", "description":  "Nut M10", "description": "Nut \\u004d10"}';
        const post = (headers: Record<string, string>, sent: BodyInit = body) =>
          fetch(url, { method: 'POST', headers: { ...sender.headers('msg_1', body), ...headers }, body: sent });
        for (const type of ['application/json', 'application/x-www-form-urlencoded', 'application/vnd.plant+json']) {
          const again = type === 'application/json' ? 202 : 200;
          assert.equal((await post({ 'content-type': type })).status, again, type);
        }
        assert.equal((await post({ 'content-type': 'application/json' }, `${body} `)).status, 401);
        const packed = await post(
          { 'content-type': 'application/json', 'content-encoding': 'gzip' },
          new Uint8Array(gzipSync(body)),
        );
        assert.equal(packed.status, 200);
        const written = await debug.next('pcp-ex-webhook-in-written');
        assert.deepEqual(written, { created: 1, updated: 0, deleted: 0, failed: 0 });
        const deliveries = debug.all<{ payload: unknown; webhook: { id: string } }>('pcp-ex-webhook-in-delivery');
        assert.deepEqual(
          deliveries.map(({ payload, webhook }) => [payload, webhook.id]),
          [[{ material: 'EX-NUT-M10', description: 'Nut M10' }, 'msg_1']],
        );
        debug.close();
      });
    }

    it('shows its secrets and what it was sent nowhere, and refuses without filling the log', async () => {
      nodeRed = await NodeRed.start({ version, flows: [] });
      const [secret, previousSecret] = ['canary-new-s3cret', 'canary-old-s3cret'];
      const credentials = { token: TOKEN, secret, previousSecret, verifyToken: 'canary-verify' };
      const changes = { verification: 'token', header: 'X-Plant', credentials, challenge: 'hub_challenge' };
      // Nothing takes the delivery, so that it stays where it is kept.
      await nodeRed.deploy(example({ ...changes, wires: [['pcp-ex-webhook-in-delivery']] }));
      const debug = await DebugMessages.open(nodeRed.url);
      const path = `/integrations/hooks/${TOKEN}`;
      const post = async (given: string) =>
        (await nodeRed.request('POST', `${path}?api_key=canary-key`, { order: 'canary-order' }, { 'X-Plant': given }))
          .status;
      const wrong = [];
      for (let time = 0; time < 20; time++) wrong.push(await post(`canary-wrong-${time}`));
      assert.deepEqual([...new Set(wrong)], [401]);
      assert.deepEqual([await post(secret), await post(previousSecret)], [202, 202]);
      const { payload, ...rest } = await debug.next<Record<string, unknown>>('pcp-ex-webhook-in-delivery');
      assert.deepEqual(payload, { order: 'canary-order' });
      debug.close();
      const question = `${path}?hub.challenge=1&hub.verify_token=`;
      assert.equal((await nodeRed.request('GET', `${question}canary-verify`)).status, 200);
      const shown = await nodeRed.json('GET', '/flows');
      await nodeRed.stop();
      const files = readdirSync(nodeRed.userDir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
        .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
      for (const text of [nodeRed.output, JSON.stringify(rest), JSON.stringify(shown), ...files]) {
        assert.ok(!text.includes('canary'), text.slice(Math.max(0, text.indexOf('canary') - 80)).slice(0, 200));
      }
      assert.equal(nodeRed.output.match(/PCP_WEBHOOK_UNVERIFIED|could not be verified/g)?.length, 1);
    });

    it('keeps its address over deploys, and is gone with its node', async () => {
      nodeRed = await NodeRed.start({ version, flows: [] });
      await nodeRed.deploy(example());
      const sender = new WebhookSender(`${nodeRed.url}/integrations/hooks/${TOKEN}`, SECRET);
      const status = async (id: string) => (await sender.send(id, { material: id })).status;
      assert.equal(await status('m1'), 202);
      // As the editor deploys it: secrets that are not typed again stay.
      const again = example({ name: 'orders' }).map(({ credentials, ...node }) => node as FlowNode);
      await nodeRed.deploy(again, 'nodes');
      assert.equal(await status('m2'), 202);
      await nodeRed.deploy(again.filter(({ id }) => id !== HOOK));
      assert.equal(await status('m3'), 404);
    });
  });
}
