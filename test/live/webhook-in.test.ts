import assert from 'node:assert/strict';
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
          assert.equal((await post({ 'content-type': type })).status, 202, type);
        }
        assert.equal((await post({ 'content-type': 'application/json' }, `${body} `)).status, 401);
        const packed = await post(
          { 'content-type': 'application/json', 'content-encoding': 'gzip' },
          new Uint8Array(gzipSync(body)),
        );
        assert.equal(packed.status, 202);
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
  });
}
