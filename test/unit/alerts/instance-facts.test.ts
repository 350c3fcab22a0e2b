import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import type { LiveStatus } from '../../../lib/model/stream';
import { DEFAULT_SPOOL_BYTES } from '../../../lib/stream/definitions';
import { CLIENT } from '../../support/certificates';
import { storeKinds } from '../store/stores';
import { addConnection, addMapping, NOON, WatchedPlant } from './plant';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

for (const kind of storeKinds) {
  describe(`what alerts tell of that one instance knows, on ${kind.name}`, function () {
    this.timeout(60_000);
    let plant: WatchedPlant;
    beforeEach(async function () {
      plant = await WatchedPlant.open(kind, this);
    });
    afterEach(() => plant?.dispose());

    it('tell of live mappings of this instance that are cut off or whose spool fills up', async () => {
      const connection = await addConnection(plant.place.store);
      const id = await addMapping(plant.place.store, connection, {
        sync_mode: 'live',
        options: { live: { max_bytes: 1000 } },
      });
      const status: LiveStatus = {
        ...{ state: 'interrupted', since: new Date(NOON).toISOString(), error: null, received: 0 },
        ...{ records_per_second: 0, last_record_at: null, stuck_tags: [], dropped: 0, alarms: [] },
        backlog: { records: 8, bytes: 800, oldest_at: null },
      };
      plant.streams.set(id, status);
      assert.deepEqual(await plant.open(), [`buffer_fill stream:${id} firing 80`]);
      plant.now = NOON + 10 * MINUTE;
      await plant.look();
      plant.now = NOON + 15 * MINUTE;
      const both = [`buffer_fill stream:${id} firing 80`, `data_delay stream:${id} firing 900`];
      assert.deepEqual(await plant.open(), both);
      // Another instance knows nothing of it, and leaves it as it is; no more does this one when another one listens.
      await plant.alertsOf(await plant.place.again(), new Map()).watch.look();
      plant.streams.set(id, { ...status, state: 'standby', backlog: { records: 0, bytes: 0, oldest_at: null } });
      assert.deepEqual(await plant.open(), both);
      plant.streams.set(id, { ...status, state: 'connected', backlog: { records: 0, bytes: 590, oldest_at: null } });
      assert.deepEqual(await plant.open(), []);
    });

    it('tell of spools that fill up, by whichever limit comes first, or that have lost something', async () => {
      const connection = await addConnection(plant.place.store);
      const live = (options: object) => addMapping(plant.place.store, connection, { sync_mode: 'live', options });
      const limited = await live({ live: { max_bytes: 1000, max_records: 10 } });
      const unlimited = await live({});
      const told = async (id: number, backlog: Partial<LiveStatus['backlog']>, alarm?: 'full' | 'dropped') => {
        const since = new Date(NOON).toISOString();
        plant.streams.set(id, {
          ...{ state: 'connected', since, error: null, received: 0, records_per_second: 0, last_record_at: null },
          ...{ stuck_tags: [], dropped: 0, alarms: alarm === undefined ? [] : [{ kind: alarm, since, count: 1 }] },
          backlog: { records: 0, bytes: 0, oldest_at: null, ...backlog },
        });
        // What an alert tells of its value is brought up to date from time to time.
        plant.now += 2 * MINUTE;
        return (await plant.open()).map((line) => line.replace(/^buffer_fill stream:\d+ firing /, ''));
      };
      assert.deepEqual(await told(limited, { bytes: 799, records: 7 }), []);
      assert.deepEqual(await told(limited, { bytes: 100, records: 8 }), ['80']);
      assert.deepEqual(await told(limited, { bytes: 600, records: 1 }), ['60'], 'it is over below 60 only');
      assert.deepEqual(await told(limited, { bytes: 599, records: 5 }), []);
      assert.deepEqual(await told(limited, { bytes: 950, records: 1 }), ['95']);
      assert.deepEqual(await told(limited, {}), []);
      for (const alarm of ['full', 'dropped'] as const) {
        assert.deepEqual(await told(limited, {}, alarm), ['100'], alarm);
        assert.deepEqual(await told(limited, {}), []);
      }
      assert.deepEqual(await told(unlimited, { bytes: 0.8 * DEFAULT_SPOOL_BYTES, records: 1e6 }), ['80']);
    });

    it('tell of certificates and secrets that end', async () => {
      const id = await addConnection(plant.place.store);
      const { cert } = CLIENT;
      plant.now = Date.parse(new X509Certificate(cert).validTo) - 10 * DAY;
      const jwt = [
        'e30',
        Buffer.from(JSON.stringify({ exp: (plant.now + 5 * DAY) / 1000 })).toString('base64url'),
        'c2ln',
      ];
      plant.credentials.set(id, { certificate: cert, token: jwt.join('.'), password: 'a.b.c' });
      plant.certificates = [
        {
          thumbprint: 'ab'.repeat(20),
          state: 'own',
          subject: 'CN=Hub',
          application_uri: null,
          valid_from: new Date(0).toISOString(),
          valid_to: new Date(plant.now - DAY).toISOString(),
        },
      ];
      assert.deepEqual(await plant.open(), [
        `certificate_expiry certificate:${'ab'.repeat(20)} firing -1`,
        `certificate_expiry certificate:${id}:certificate firing 10`,
        `secret_expiry secret:${id}:token firing 5`,
      ]);
      await plant.place.store.models.connections.update({ is_active: false }, { where: { id } });
      plant.certificates = [{ ...plant.certificates[0]!, valid_to: new Date(plant.now + 400 * DAY).toISOString() }];
      plant.now += HOUR;
      assert.deepEqual(await plant.open(), []);
    });

    it('tell of what ends as long before as a rule says, until it is replaced', async () => {
      const id = await addConnection(plant.place.store);
      const endsIn = (days: number) => {
        const valid_to = new Date(plant.now + days * DAY).toISOString();
        const known = { state: 'own', subject: 'CN=Hub', application_uri: null, valid_from: valid_to } as const;
        plant.certificates = [{ ...known, thumbprint: 'ab'.repeat(20), valid_to }];
        const claims = Buffer.from(JSON.stringify({ exp: (plant.now + days * DAY) / 1000 }));
        plant.credentials.set(id, { token: `e30.${claims.toString('base64url')}.c2ln` });
        // Secrets are looked at from time to time.
        plant.now += HOUR;
      };
      const both = (days: number) => [
        `certificate_expiry certificate:${'ab'.repeat(20)} firing ${days}`,
        `secret_expiry secret:${id}:token firing ${days}`,
      ];
      endsIn(31.5);
      assert.deepEqual(await plant.open(), []);
      endsIn(30.5);
      assert.deepEqual(await plant.open(), both(30));
      for (const kind of ['certificate_expiry', 'secret_expiry'] as const) {
        await plant.change(kind, { threshold: 60, clear_threshold: 90 });
      }
      endsIn(60.5);
      assert.deepEqual(await plant.open(), both(60));
      endsIn(90.5);
      assert.deepEqual(await plant.open(), both(90));
      endsIn(91.5);
      assert.deepEqual(await plant.open(), []);
      // What nobody can read says nothing of its end.
      plant.credentials.set(id, {
        token: 'e30.bm8ganNvbg.c2ln',
        certificate: '-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----',
      });
      plant.now += HOUR;
      assert.deepEqual(await plant.open(), []);
    });
  });
}
