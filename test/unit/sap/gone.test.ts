import assert from 'node:assert/strict';
import { create } from '../../../lib/connectors/erp/sap/connector';
import { documentText } from '../odata/documents';
import { xml } from '../odata/server';
import { openWriter, record, signal, TestApi } from '../rest/server';

describe('sap: what goes between look-up and change', () => {
  it('counts as deleted, and is a conflict when it was to be changed', async () => {
    const api = new TestApi();
    await api.start();
    api.handler = ({ method, path }) => {
      if (path.endsWith('/$metadata')) return xml(documentText('plant'));
      return method === 'GET' ? { body: { Number: 'A', Amount: 1 } } : { status: 404 };
    };
    const connection = api.connection({ authentication: 'none', csrf: 'off', services: { SVC: '/svc' } });
    const connector = create(connection, { log: () => undefined });
    const writer = await openWriter(connector, ['Number'], 'SVC/Orders');
    const order = record({ Number: 'A', Amount: '2' }, {}, ['Number']);
    assert.deepEqual(await writer.delete!([order], signal), [{ outcome: 'deleted' }]);
    const [changed] = await writer.write([order], signal);
    assert.ok(changed?.outcome === 'failed');
    assert.deepEqual([changed.error.class, changed.error.code], ['conflict', 'PCP_TARGET_DELETED']);
    await connector.close();
    await api.stop();
  });
});
