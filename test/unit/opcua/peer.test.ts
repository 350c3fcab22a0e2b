import assert from 'node:assert/strict';
import type { Connector } from '../../../lib/connectors/contract';
import type { BrowseNode, TagValue } from '../../../lib/connectors/live';
import { IntegrationError } from '../../../lib/model/errors';
import { Connections, never, Received } from '../../support/opcua/connections';
import { PlantServer } from '../../support/opcua/plant-server';

/**
 * What must hold with any server. OPCUA_PEER_URL names one that is not of the library's family; OPCUA_PEER_USER and
 * OPCUA_PEER_PASSWORD sign in where it lets nobody in without. Otherwise the tests' own server stands in.
 */
const { OPCUA_PEER_URL, OPCUA_PEER_USER, OPCUA_PEER_PASSWORD } = process.env;
const DAY_MS = 86_400_000;
const MOST_NODES = 3000;
const DEEPEST = 6;
const SERVER_OBJECT = 'i=2253';

describe(`OPC UA: ${OPCUA_PEER_URL ?? "the tests' own server"} as any server`, function () {
  this.timeout(120_000);
  const server = new PlantServer();
  let connections: Connections;
  let url: string;
  const user = OPCUA_PEER_USER === undefined ? {} : { authentication: 'username', username: OPCUA_PEER_USER };
  const credentials = { ...(OPCUA_PEER_PASSWORD !== undefined && { password: OPCUA_PEER_PASSWORD }) };

  before(async () => {
    if (OPCUA_PEER_URL === undefined) await server.start({ many: 300, limits: { maxNodesPerRead: 50 } });
    url = OPCUA_PEER_URL ?? server.url;
  });
  beforeEach(() => {
    connections = new Connections();
  });
  afterEach(() => connections.remove());
  after(() => server.stop());

  const open = (config: Record<string, unknown> = {}) => connections.open(url, { ...user, ...config }, credentials);

  /** All tags below the Objects folder, but for the server's own. */
  async function tagsOf(connector: Connector): Promise<BrowseNode[]> {
    const tags = new Map<string, BrowseNode>();
    const seen = new Set<string>([SERVER_OBJECT]);
    let level: (string | null)[] = [null];
    for (let depth = 0; depth < DEEPEST && level.length > 0; depth++) {
      const next: string[] = [];
      for (const parent of level) {
        for (const node of (await connector.browse?.(parent, never())) ?? []) {
          if (seen.has(node.address) || tags.size >= MOST_NODES) continue;
          seen.add(node.address);
          if (node.kind === 'tag') tags.set(node.address, node);
          if (node.has_children) next.push(node.address);
        }
      }
      level = next;
    }
    return [...tags.values()];
  }

  it('is browsed, and each of its tags is read', async () => {
    const connector = open();
    const tags = await tagsOf(connector);
    assert.ok(tags.length > 0);
    const values =
      (await connector.readTags?.(
        tags.map(({ address }) => address),
        never(),
      )) ?? [];
    assert.equal(values.length, tags.length);
    const good = values.filter(({ quality }) => quality === 'good').length;
    console.log(`      ${tags.length} tags, ${good} of them good`);
    assert.ok(good > 0);
    for (const { value } of values) assert.doesNotThrow(() => JSON.stringify(value));
  });

  it('is subscribed to', async () => {
    const connector = open({ publishing_interval_ms: 200 });
    const received = new Received(
      (signal) => connector.subscribe?.({ items: [{ tag: 'i=2258' }] }, signal) ?? assert.fail(),
    );
    await received.until(({ values }) => values.length >= 3);
    const times = received.values.map(({ value }) => String(value));
    assert.deepEqual(times, times.toSorted());
    await received.stop();
  });

  for (const policy of ['Basic256Sha256', 'Aes128_Sha256_RsaOaep', 'Aes256_Sha256_RsaPss']) {
    for (const mode of ['Sign', 'SignAndEncrypt']) {
      it(`is let in with ${policy} ${mode}, where it offers that`, async function () {
        const connector = await connections.openTrusted(
          url,
          { ...user, security_policy: policy, security_mode: mode },
          credentials,
        );
        const report = await connector.test(never());
        if (report.steps.at(-1)?.error?.code === 'PCP_OPCUA_ENDPOINT') this.skip();
        assert.equal(report.ok, true, JSON.stringify(report));
      });
    }
  }

  it('gives its history in order and nothing twice, where it records any', async function () {
    const connector = open();
    const range = { start: new Date(Date.now() - DAY_MS).toISOString() };
    let found = 0;
    for (const { address } of (await tagsOf(connector)).slice(0, 300)) {
      const answer = await connector
        .call?.('history', { node: address, ...range, limit: 5000 }, never())
        .catch((thrown) => {
          const { code } = IntegrationError.from(thrown);
          assert.ok(['PCP_OPCUA_HISTORY', 'PCP_OPCUA_FORBIDDEN'].includes(code), `${address}: ${thrown}`);
        });
      const values = (answer?.payload as TagValue[] | undefined) ?? [];
      const times = values.map(({ source_timestamp }) => source_timestamp ?? '');
      assert.deepEqual(times, times.toSorted());
      found = Math.max(found, values.length);
    }
    if (found === 0) this.skip();
    console.log(`      ${found} values of one tag`);
  });

  it('keeps no session of those that went', async () => {
    for (let n = 0; n < 20; n++) {
      const connector = open();
      assert.equal((await connector.test(never())).ok, true);
      await connector.close();
    }
  });
});
