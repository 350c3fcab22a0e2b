import assert from 'node:assert/strict';
import { PRODUCTS, type Product, presetsOf } from '../../lib/connectors/erp/protheus/presets';
import type { Hub, MappingInput } from '../../lib/model/services';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { TestApi } from '../unit/rest/server';

type Row = Record<string, unknown>;

const BASIC = `Basic ${Buffer.from('pcp:canary-totvs-1').toString('base64')}`;

const LOGIX = '/api/supply/v2/productionappointment';

/** What the published APIs answer: TOTVS documents them in totvs/ttalk-standard-message (jsonschema/apis and schemas). */
const ANSWERS: Record<string, { items: Row[] } | Row[]> = {
  '/api/pcp/v1/mrpproduct': {
    items: [{ branchId: '01', code: '01P-1', product: 'P-1  ', safetyStock: 1234567890123.125, blocked: '2' }],
  },
  '/api/pcp/v1/mrpbillofmaterial': {
    items: [
      {
        ...{ branchId: '01', product: 'P-1', itemAmount: 1 },
        listOfMRPComponents: [
          { component: 'C-1', sequence: '001', quantity: 2.5, startDate: '2026-01-01', percentageScrap: 1.5 },
          { component: 'C-2', sequence: '002', quantity: 1 },
        ],
      },
    ],
  },
  '/api/pcp/v1/mrpworkcenter': { items: [{ branchId: '01', workcenter: 'CT01  ', warehouse: '01', code: '01CT01' }] },
  '/api/pcp/v1/mrprouting': {
    items: [
      { branchId: '01', product: 'P-1', routing: '01', ListOfMRPRouting: [{ operation: '10', workcenter: 'CT01' }] },
    ],
  },
  '/api/pcp/v1/mrpcalendar': {
    items: [
      {
        ...{ branchId: '01', code: '01C1', calendar: 'C1', date: '2026-11-27', startTime: '06:00', endTime: '14:00' },
        ...{ interval: '01:30', totalHours: '06:30' },
      },
    ],
  },
  '/api/man/v1/machines': {
    items: [{ Code: 'M1', Description: 'Torno ação 😀', WorkCenterCode: 'GM1', EfficiencyMachineValue: 95.5 }],
  },
  '/api/man/v1/itemStructures': [
    {
      ...{ ItemInternalId: '1|P-1', ItemCode: 'P-1', ItemAmount: 1 },
      ListOfItensStructure: [{ ItemComponentCode: 'C-9', ItemSequence: '10', ItemComponentAmount: 0.125 }],
    },
  ],
  [LOGIX]: [
    {
      ...{ ProductionOrderNumber: '4711', ActivityCode: '10', MachineCode: 'M1' },
      ...{ ApprovedQuantity: 10.5, StartReportDateTime: '2026-11-27T06:00:00-03:00', ReversedReport: false },
    },
  ],
  '/api/est/v2/Products': { items: [{ InternalId: '1|2', Code: '01.001', ControlUnitCode: 'UN', Inactive: false }] },
};

const WANTED: Partial<Record<Product, Record<string, Row[]>>> = {
  protheus: {
    mrp_product: [{ material: 'P-1', safety_stock: '1234567890123.125', blocked: false }],
    mrp_bill_of_material: [{ assembly: 'P-1', component: 'C-1', quantity: '2.5' }, { component: 'C-2' }],
    mrp_routing: [{ plant: '01', material: 'P-1', routing: '01', operation: '10', work_center: 'CT01' }],
    mrp_calendar: [
      {
        ...{ plant: '01', calendar: 'C1', shift: '06:00-14:00', date: '2026-11-27', start_time: '06:00' },
        ...{ working_time: '390', break_time: '90' },
      },
    ],
    mrp_work_center: [{ plant: '01', work_center: 'CT01' }],
  },
  datasul: {
    machine: [{ machine: 'M1', name: 'Torno ação 😀', work_center: 'GM1', efficiency_percent: '95.5' }],
    bill_of_material: [{ assembly: 'P-1', component: 'C-9', quantity: '0.125' }],
  },
  logix: {
    production_data: [{ order_number: '4711', good_quantity: '10.5', started_at: '2026-11-27T09:00:00.000Z' }],
  },
  rm: { material: [{ material: '01.001', base_unit: 'UN', blocked: false }] },
};

describe('the published APIs of the products of TOTVS', () => {
  const api = new TestApi();
  let hub: Hub;
  let remove: () => Promise<void>;

  before(async () => {
    await api.start();
    api.handler = ({ path, query, headers }) => {
      if (headers.authorization !== BASIC) return { status: 401, body: { code: '401', message: 'Unauthorized' } };
      const found = ANSWERS[path];
      // Its document demands them.
      const isOne = ['company', 'productionordernumber', 'appointmenttype'].every((name) => query.get(name));
      if (path === LOGIX && !isOne) return { status: 400, body: { code: '400', message: 'parâmetros obrigatórios' } };
      if (found === undefined) return undefined;
      if (Array.isArray(found)) return { body: found };
      const isFirst = query.get('page') === '1';
      return { body: { items: isFirst ? found.items : [], hasNext: false } };
    };
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
  });
  after(async () => {
    await hub?.close();
    await remove?.();
    await api.stop();
  });

  for (const product of PRODUCTS) {
    it(`imports from ${product}`, async () => {
      const { id: connectionId } = await hub.connections.create({
        ...{ name: product, connector_type: 'erp.protheus', timezone: 'America/Sao_Paulo' },
        config: {
          ...{ base_url: api.url, product, username: 'pcp', tenant_id: '01,01' },
          ...(product === 'protheus' && { authentication: 'basic' }),
        },
        credentials: { password: 'canary-totvs-1' },
      });
      const wanted = WANTED[product] ?? {};
      const discovered = await hub.runner.discover(await hub.connections.open(connectionId));
      for (const { name, readable } of discovered) assert.equal(readable, name in wanted, name);
      for (const [entity, rows] of Object.entries(wanted)) {
        const mapping = presetsOf(product)
          .find((preset) => preset.entity === entity)!
          .mappings.find(({ direction }) => direction === 'import')!;
        const filters =
          entity === 'production_data' ? [{ field: 'ProductionOrderNumber', operator: 'eq', value: '4711' }] : [];
        const type = mapping.target_entity;
        const input = { connection_id: connectionId, name: `${product} ${entity}`, source_entity: entity };
        const { id } = await hub.mappings.create({ ...mapping, ...input, filters, entity_type: type } as MappingInput);
        const { status, logs } = await runToEnd(hub, connectionId, { mapping_id: id });
        assert.equal(status, 'success', JSON.stringify(logs));
        const { items } = await hub.records.list(type, { limit: 100 });
        for (const row of rows) {
          const found = items.find((item) => Object.entries(row).every(([field, value]) => item[field] === value));
          assert.ok(found, `${JSON.stringify(row)} in ${JSON.stringify(items)}`);
        }
      }
    });
  }

  it('has no entity of one product in another', () => {
    for (const product of PRODUCTS) {
      const names = presetsOf(product).map(({ entity }) => entity);
      assert.equal(new Set(names).size, names.length, product);
    }
  });
});
