import assert from 'node:assert/strict';
import { type AddressInfo, connect } from 'node:net';
import { createServer, type Server } from 'node:tls';
import type { Connector } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/erp/sap/connector';
import { AUTHORITY, CLIENT, SERVER } from '../../support/certificates';
import { SapPlant } from '../../support/sap/plant';
import { openWriter, record, signal, TestApi } from '../rest/server';

const KEY = ['ManufacturingOrder'];

describe('sap: ways to sign in', () => {
  const plant = new SapPlant();
  const opened: Connector[] = [];
  const tokens = new TestApi();
  let tls: Server;

  before(async () => {
    await plant.start();
    await tokens.start();
    // Ends TLS before the gateway, as a web dispatcher does; only the client with a certificate gets through.
    tls = createServer({ ...SERVER, ca: AUTHORITY, requestCert: true, rejectUnauthorized: true }, (socket) => {
      const behind = connect(Number(new URL(plant.gateway.url).port), '127.0.0.1');
      socket.pipe(behind).pipe(socket);
      socket.on('error', () => behind.destroy());
      behind.on('error', () => socket.destroy());
    });
    await new Promise<void>((done) => tls.listen(0, '127.0.0.1', done));
  });
  after(async () => {
    await Promise.all(opened.map((connector) => connector.close()));
    tls.close();
    await tokens.stop();
    await plant.stop();
  });

  function open(config: Record<string, unknown>, credentials: Record<string, string>): Connector {
    const connection = plant.connection({ username: '', ...config });
    const connector = create({ ...connection, credentials }, { log: () => undefined });
    opened.push(connector);
    return connector;
  }

  async function changes(connector: Connector): Promise<void> {
    const report = await connector.test!(signal);
    assert.equal(report.ok, true, JSON.stringify(report));
    const writer = await openWriter(connector, KEY, 'production_order');
    const key = { ManufacturingOrder: '000001000001' };
    const [result] = await writer.write([record({ ...key, Batch: 'SIGNED' }, {}, KEY)], signal);
    assert.equal(result?.outcome, 'updated', JSON.stringify(result));
  }

  it('by OAuth 2.0 with client credentials, and anew when the token is refused', async () => {
    let given = 0;
    tokens.handler = ({ body, headers }) => {
      const isClient = headers.authorization === `Basic ${Buffer.from('pcp-client:s3cret').toString('base64')}`;
      if (!isClient || !body.includes('grant_type=client_credentials'))
        return { status: 401, body: { error: 'invalid_client' } };
      return { body: { access_token: `T${++given}`, token_type: 'Bearer', expires_in: 3600 } };
    };
    plant.gateway.isSignedIn = ({ authorization }) => authorization === `Bearer T${given}`;
    const connector = open(
      { authentication: 'oauth2', token_url: `${tokens.url}/token`, client_id: 'pcp-client' },
      { client_secret: 's3cret' },
    );
    await changes(connector);
    assert.equal(given, 1);
    given++;
    await changes(connector);
    assert.equal(given, 3);
  });

  it('by the key of an API hub, in the header APIKey', async () => {
    plant.gateway.isSignedIn = ({ apikey }) => apikey === 'k3y';
    await changes(open({ authentication: 'api_key' }, { api_key: 'k3y' }));
  });

  it('by a client certificate', async () => {
    plant.gateway.isSignedIn = ({ authorization }) => authorization === undefined;
    const base_url = `https://localhost:${(tls.address() as AddressInfo).port}`;
    const config = { authentication: 'mtls', base_url, tls_ca: AUTHORITY };
    await changes(open(config, { certificate: CLIENT.cert, private_key: CLIENT.key }));
    const without = open({ ...config, authentication: 'none' }, {});
    const { ok, steps } = await without.test!(signal);
    assert.deepEqual([ok, steps.at(-1)?.name], [false, 'tls']);
  });
});
