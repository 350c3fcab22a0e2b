import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { create } from '../../lib/connectors/erp/sap/connector';
import { descriptor } from '../../lib/connectors/erp/sap/descriptor';
import type { OpenConnection } from '../../lib/model/connection';
import { ORDERS, SapPlant } from '../support/sap/plant';
import type { ConformanceCases, FailingCase } from './cases';
import { conformance } from './suite';

const plant = new SapPlant();
const silent = createServer(() => undefined);
const PRODUCTS = 'API_PRODUCT_SRV';
const NOTES = ['FERT', 'ROH', 'HALB', '', 'ç', '😀'];

const orders = ORDERS.map((order, n) => ({
  ManufacturingOrder: order.ManufacturingOrder,
  MaterialName: order.MaterialName,
  TotalQuantity: order.TotalQuantity,
  MfgOrderPlannedStartDate: `2026-11-${String(1 + n).padStart(2, '0')}`,
  MfgOrderPlannedStartTime: '06:30:00',
  LastChangeDateTime: order.LastChangeDateTime,
}));

conformance('erp.sap', {
  descriptor,
  create,
  async cases(): Promise<ConformanceCases> {
    await plant.start();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const silentUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const { url } = plant.gateway;
    const failing = (
      name: string,
      connection: OpenConnection,
      step: FailingCase['step'],
      errorClass: FailingCase['class'],
      code?: string,
    ): FailingCase => ({ name, connection, step, class: errorClass, ...(code !== undefined && { code }) });
    plant.gateway.inactive.add('ZPCP_GONE').add('API_MATERIAL_STOCK_SRV');
    plant.gateway.forbidden.add('ZPCP_SECRET');
    const own = (name: string) => ({ services: { [name]: `/sap/opu/odata/sap/${name}` } });
    return {
      connection: plant.connection(),
      failing: [
        failing('wrong password', plant.connection({}, 'canary-4711'), 'authenticate', 'auth'),
        failing('unknown host', plant.connection({ base_url: 'http://no-such-host.invalid' }), 'resolve', 'transient'),
        failing('closed port', plant.connection({ base_url: 'http://127.0.0.1:1' }), 'connect', 'transient'),
        failing('no TLS there', plant.connection({ base_url: url.replace('http', 'https') }), 'tls', 'config'),
        failing('no base URL', plant.connection({ base_url: '' }), 'resolve', 'config', 'PCP_SETTING_MISSING'),
        failing('no client', plant.connection({ client: '' }), 'read', 'data', 'PCP_ODATA_READ_REFUSED'),
        failing('not active', plant.connection(own('ZPCP_GONE')), 'read', 'config', 'PCP_SAP_SERVICE_INACTIVE'),
        failing(
          'no rights',
          plant.connection(own('ZPCP_SECRET')),
          'authorise',
          'permission',
          'PCP_SAP_SERVICE_FORBIDDEN',
        ),
        failing('no answer', plant.connection({ base_url: silentUrl, timeout_ms: 2000 }), 'read', 'transient'),
      ],
      read: { entity: 'production_order', key: ['ManufacturingOrder'], records: orders },
      incremental: {
        entity: 'production_order',
        key: ['ManufacturingOrder'],
        cursorField: 'LastChangeDateTime',
        change: async () => {
          const changed = orders.slice(3, 5).map(({ ManufacturingOrder }) => ManufacturingOrder as string);
          for (const [n, key] of changed.entries()) {
            const stamp = { LastChangeDateTime: `2026112710000${n}` };
            await plant.change('API_PRODUCTION_ORDER_2_SRV', `A_ProductionOrder_2('${key}')`, stamp);
          }
          return changed;
        },
        // Seconds: what was changed in the last one seen is read again.
        exact: false,
      },
      write: {
        target: {
          entity: `${PRODUCTS}/A_Product`,
          keyFields: ['Product'],
          fields: ['Product', 'ProductType', 'GrossWeight'],
        },
        records: NOTES.map((ProductType, n) => ({ Product: `W/${n} ç`, ProductType, GrossWeight: `${n + 1}.250` })),
        readBack: async () => {
          const rows = (await plant.rows(PRODUCTS, 'A_Product')).filter(({ Product }) => /^W/.test(String(Product)));
          return rows.map((row) => ({ ...row, GrossWeight: Number(row.GrossWeight).toFixed(3) }));
        },
        reset: async () => {
          const rows = await plant.rows(PRODUCTS, 'A_Product');
          for (const { Product } of rows.filter(({ Product }) => /^W/.test(String(Product)))) {
            await plant.remove(PRODUCTS, `A_Product('${encodeURIComponent(String(Product))}')`);
          }
        },
      },
    };
  },
  async release() {
    silent.closeAllConnections();
    await Promise.all([plant.stop(), new Promise((resolve) => silent.close(resolve))]);
  },
});
