import assert from 'node:assert/strict';
import { DataManagementStore } from '../support/dynamics365/data-management';
import { OperationsServer } from '../support/dynamics365/operations';
import { SapPlant } from '../support/sap/plant';
import { DebugMessages } from './debug-messages';
import { exampleFlow, type FlowNode, NodeRed, type NodeRedVersion } from './node-red-process';

type Message = Record<string, unknown> & { payload: unknown };

const TOKEN = 'hSdQ7cYxT0mB1r9vKzN2aw';
const PASSWORD = 'canary-idoc-2';
const COLUMNS = ['ITEMNUMBER', 'SEARCHNAME', 'NETWEIGHT'];
const EXAMPLES = ['pcp-sap', 'pcp-sap-idoc', 'pcp-dynamics365-packages'];

const order = (number: string, more = '') => `<E1AFKOL SEGMENT="1"><AUFNR>${number}</AUFNR><MATNR>M-001</MATNR>
  <GAMNG>      100.500</GAMNG><GMEIN>ST</GMEIN><GSTRP>20261101</GSTRP><E1JSTKL SEGMENT="1"><STAT>I0002</STAT></E1JSTKL>${more}</E1AFKOL>`;
const IDOC = `<?xml version="1.0" encoding="utf-8"?><LOIPRO01><IDOC BEGIN="1"><EDI_DC40 SEGMENT="1">
  <DOCNUM>0000000000123456</DOCNUM><IDOCTYP>LOIPRO01</IDOCTYP><MESTYP>LOIPRO</MESTYP></EDI_DC40>
  ${order('000001000101')}${order('000001000102', '<E1JSTKL SEGMENT="1"><STAT>I0045</STAT></E1JSTKL>')}</IDOC></LOIPRO01>`;

for (const version of ['node-red', 'node-red-4'] satisfies NodeRedVersion[]) {
  describe(`examples of ERPs in ${version}`, () => {
    const sap = new SapPlant();
    let dynamics: OperationsServer;
    let store: DataManagementStore;
    let nodeRed: NodeRed;
    let debug: DebugMessages;

    /** What a debug node shows; an error that the example's Catch node sees ends the wait. */
    const next = <T = Record<string, unknown>>(id: string, wanted?: (value: T) => boolean): Promise<T> => {
      const failure = debug.next(`${id.slice(0, id.lastIndexOf('-'))}-error`).then((error) => {
        throw new Error(JSON.stringify(error));
      });
      return Promise.race([debug.next<T>(id, wanted), failure]);
    };

    before(async () => {
      await sap.start();
      dynamics = await new OperationsServer().start();
      store = await new DataManagementStore(dynamics, 'Released products V2', COLUMNS, ['ITEMNUMBER']).start();
      // Files of packages are with another host, which the administrator allows.
      const settings = { integrations: { network: { allowedTargets: [store.host] } } };
      const environment = { PCP_EXAMPLES_SAP: sap.gateway.url, PCP_EXAMPLES_DYNAMICS365: dynamics.url };
      nodeRed = await NodeRed.start({ version, flows: [], settings, environment });
      // Secrets are in no example.
      const own: Record<string, (node: FlowNode) => { config?: object; credentials?: object }> = {
        'pcp-ex-sap-conn': () => sap.connection(),
        'pcp-ex-packages-conn': ({ config }) => dynamics.connection({ ...(config as object), base_url: dynamics.url }),
        'pcp-ex-sap-idoc-hook': () => ({ credentials: { token: TOKEN, secret: PASSWORD } }),
      };
      const flows = EXAMPLES.flatMap(exampleFlow);
      await nodeRed.deploy(
        flows.map((node) => {
          const { config, credentials } = own[node.id]?.(node) ?? {};
          return {
            ...node,
            ...(config !== undefined && { config }),
            ...(credentials !== undefined && { credentials }),
          };
        }),
      );
      debug = await DebugMessages.open(nodeRed.url);
    });
    after(async () => {
      debug?.close();
      await nodeRed?.remove();
      await store?.stop();
      await dynamics?.stop();
      await sap.stop();
    });

    it('pcp-sap reads orders, posts a confirmation once, and releases an order', async () => {
      await nodeRed.inject('pcp-ex-sap-read');
      const { payload } = await next<Message>('pcp-ex-sap-found');
      assert.equal((payload as Record<string, unknown>[])[0]?.ManufacturingOrder, '000001000001');
      for (const outcome of ['created', 'unchanged']) {
        await nodeRed.inject('pcp-ex-sap-write');
        const isSaid = ({ result }: Message) => (result as Record<string, number>)[outcome] === 1;
        await next<Message>('pcp-ex-sap-written', isSaid);
      }
      assert.equal((await sap.rows('API_PROD_ORDER_CONFIRMATION_2_SRV', 'ProdnOrdConf2')).length, 1);
      await nodeRed.inject('pcp-ex-sap-call');
      await next('pcp-ex-sap-called');
      const orders = await sap.rows('API_PRODUCTION_ORDER_2_SRV', 'A_ProductionOrder_2');
      const released = orders.find(({ ManufacturingOrder }) => ManufacturingOrder === '000001000001');
      assert.equal(released?.OrderIsReleased, 'X');
    });

    it('pcp-sap-idoc takes orders that SAP sends, whatever it calls their content', async () => {
      const headers = { authorization: `Basic ${Buffer.from(`sap:${PASSWORD}`).toString('base64')}` };
      const deliver = async (type: string, body: string) => {
        const url = `${nodeRed.url}/integrations/hooks/${TOKEN}`;
        return (await fetch(url, { method: 'POST', headers: { ...headers, 'content-type': type }, body })).status;
      };
      assert.equal(await deliver('text/xml; charset=utf-8', IDOC), 202);
      const written = await next('pcp-ex-sap-idoc-written');
      assert.deepEqual(written, { created: 2, updated: 0, deleted: 0, failed: 0 });
      const { items } = await nodeRed.json<{ items: Record<string, unknown>[] }>(
        'GET',
        '/integrations/entities/production_order/records',
      );
      assert.deepEqual(
        items.map(({ order_number, material, quantity, planned_start, status }) => [
          ...[order_number, material, quantity, planned_start, status],
        ]),
        [
          ['000001000101', 'M-001', '100.5', '2026-11-01', 'released'],
          ['000001000102', 'M-001', '100.5', '2026-11-01', 'technically_completed'],
        ],
      );
      // The other content type that a port of type "XML HTTP" knows.
      const changed = IDOC.replace('100.500', '  7.250');
      assert.equal(await deliver('application/x-sap.idoc', changed), 202);
      await next('pcp-ex-sap-idoc-written', ({ updated }) => updated === 2);
      const one = await nodeRed.json<Record<string, unknown>>(
        'GET',
        '/integrations/entities/production_order/records/000001000101',
      );
      assert.equal(one.quantity, '7.25');
    });

    it('pcp-dynamics365-packages exports page by page and imports with one job each', async () => {
      const items = [1, 2, 3].map((n) => ({ ITEMNUMBER: `D${n}`, SEARCHNAME: 'Peça, "ç" 😀', NETWEIGHT: '1.250000' }));
      store.exports.set('PCP items', items);
      await nodeRed.inject('pcp-ex-packages-read');
      const end = await next<Message>('pcp-ex-packages-found', ({ complete }) => complete === true);
      assert.equal((end.result as { records: number }).records, 3);
      const pages = debug.all<Message>('pcp-ex-packages-found').flatMap(({ payload }) => payload);
      assert.deepEqual(pages, items);
      await nodeRed.inject('pcp-ex-packages-write');
      await next<Message>('pcp-ex-packages-written', ({ result }) => (result as { failed: number }).failed === 0);
      assert.deepEqual(
        [...store.rows.values()].map(({ ITEMNUMBER: item, NETWEIGHT: weight }) => [item, weight]),
        [
          ['EX-1', '1.250000'],
          ['EX-2', '0.000001'],
        ],
      );
      assert.deepEqual([store.jobs.size, store.imported.length], [2, 1]);
    });
  });
}
