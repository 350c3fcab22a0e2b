import assert from 'node:assert/strict';
import type { Connector } from '../../../lib/connectors/contract';
import { create as createDynamics } from '../../../lib/connectors/erp/dynamics365/connector';
import { create as createSap } from '../../../lib/connectors/erp/sap/connector';
import { type Answer, readAll, signal, TestApi } from '../rest/server';
import { UNSEEN, type UnseenService } from './unseen';

const SYSTEMS = {
  SAP: {
    create: createSap,
    root: '/svc',
    prefix: 'x/',
    config: { services: { x: '/svc' }, authentication: 'none' },
    versions: [2, 4],
  },
  'Dynamics 365': {
    create: createDynamics,
    root: '/data',
    prefix: '',
    config: { authentication: 'none' },
    versions: [4],
  },
};

for (const [system, { create, root, prefix, config, versions }] of Object.entries(SYSTEMS)) {
  describe(`${system} with services that nobody here has seen`, () => {
    const api = new TestApi();
    let connector: Connector;

    before(() => api.start());
    after(() => api.stop());
    afterEach(() => connector.close());

    for (const service of UNSEEN.filter(({ version }) => versions.includes(version))) {
      it(`finds, describes and reads ${service.what}`, async () => {
        const { sets, rows } = service;
        const name = prefix + (service.set ?? Object.keys(sets)[0]);
        api.handler = ({ path }) => answerOf(service, path.slice(root.length + 1));
        connector = create(api.connection(config), { log: () => undefined });
        const found = (await connector.discover!(signal)).filter(({ kind }) => kind === 'entity set');
        assert.deepEqual(
          Object.fromEntries(found.map((each) => [each.name.slice(prefix.length), each.key])),
          service.sets,
        );
        const { schema } = await connector.describe!(name, signal);
        const fields = Object.keys(rows[0]!.record);
        assert.deepEqual(
          fields.filter((field) => !Object.hasOwn(schema.properties ?? {}, field)),
          [],
        );
        const { records } = await readAll(connector, { entity: name, batchSize: 1 });
        assert.deepEqual(
          records,
          rows.map(({ record }) => record),
        );
        // Each by its key: the service has it at no other address.
        const keyFields = fields.filter((field) => (schema.required ?? []).includes(field));
        const one = await connector.lookup!(
          { entity: name, keyFields },
          rows.map(({ record }) => record),
          signal,
        );
        assert.deepEqual(
          one,
          rows.map(({ record }) => record),
        );
      });
    }
  });
}

/** As a service that pages by itself, and has each entity at its address. */
function answerOf({ document, contentType, version, rows, set, place, sets }: UnseenService, path: string): Answer {
  if (path === '$metadata') return { body: document, headers: { 'content-type': contentType ?? 'application/xml' } };
  const list = place ?? set ?? Object.keys(sets)[0];
  const asked = decodeURIComponent(path);
  if (asked === list) {
    const wire = rows.map((row) => row.wire);
    return {
      body:
        version === 2
          ? { d: { results: wire, __count: String(wire.length) } }
          : { value: wire, '@odata.count': wire.length },
    };
  }
  const one = rows.find(({ address }) => address === asked);
  if (one === undefined) return { status: 404, body: { error: { code: '404', message: `nothing at ${asked}` } } };
  return { body: version === 2 ? { d: one.wire } : { '@odata.context': '$metadata', ...one.wire } };
}
