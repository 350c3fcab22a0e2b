import { create } from '../../lib/connectors/platform/connector';
import { descriptor } from '../../lib/connectors/platform/descriptor';
import type { OpenConnection } from '../../lib/model/connection';
import { EntityTypeStore } from '../../lib/platform/entity-types';
import { EntityRecordStore } from '../../lib/platform/records';
import { openStore, type Store } from '../../lib/store/store';
import { type StorePlace, storeKinds } from '../unit/store/stores';
import type { ConformanceCases } from './cases';
import { conformance } from './suite';

const connection: OpenConnection = { id: 0, name: 'platform', connector_type: 'platform', config: {}, credentials: {} };

const orders = Array.from({ length: 11 }, (_, n) => ({
  order_number: `00${n + 10}`,
  material: n % 2 === 0 ? `M${n}` : null,
  quantity: `${n}.5`,
  planned_start: '2026-11-24',
  released_at: `2026-11-24T05:00:00.0${n + 10}Z`,
  status: 'released',
}));

const stops = Array.from({ length: 5 }, (_, n) => ({
  plant: '1000',
  machine: `M${n}`,
  started_at: '2026-11-24T05:00:00.123Z',
  reason: 'Ç"x\\',
  planned: n % 2 === 0,
  duration: `${n}.25`,
}));

for (const kind of storeKinds) {
  describe(`platform in ${kind.name}`, () => {
    let store: Store;
    let place: StorePlace | undefined;

    before(async function () {
      place = await kind.place(this);
      store = await openStore(place.options);
    });

    const cases = async (): Promise<ConformanceCases> => {
      const { database } = store;
      const records = new EntityRecordStore({ database, types: new EntityTypeStore(database) });
      for (const order of orders) await records.create('production_order', order);
      await records.create('operator', { operator: '1', name: 'A' });
      await records.create('operator', { operator: '2', name: 'B' });
      return {
        connection,
        failing: [],
        read: { entity: 'production_order', key: ['order_number'], records: orders },
        incremental: {
          entity: 'operator',
          key: ['operator'],
          cursorField: '_updated_at',
          change: async () => {
            await records.replace('operator', ['2'], { name: 'C' });
            await records.create('operator', { operator: '3' });
            return ['2', '3'];
          },
        },
        write: {
          target: { entity: 'downtime', keyFields: ['plant', 'machine', 'started_at'], fields: Object.keys(stops[0]!) },
          records: stops,
          readBack: async () => (await records.list('downtime', {})).items,
          reset: async () => {
            for (const { plant, machine, started_at } of (await records.list('downtime', {})).items) {
              await records.delete('downtime', [String(plant), String(machine), String(started_at)]);
            }
          },
        },
      };
    };

    conformance(`platform in ${kind.name}`, {
      descriptor,
      create,
      environment: () => ({ store: store.database, log: () => undefined }),
      cases,
      release: async () => {
        await store?.close();
        await place?.remove();
      },
    });
  });
}
