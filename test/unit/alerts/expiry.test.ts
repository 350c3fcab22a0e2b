import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { CLIENT } from '../../support/certificates';
import { storeKinds } from '../store/stores';
import { addConnection, WatchedPlant } from './plant';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

for (const kind of storeKinds) {
  describe(`alerts before something ends, on ${kind.name}`, function () {
    this.timeout(60_000);
    let plant: WatchedPlant;
    beforeEach(async function () {
      plant = await WatchedPlant.open(kind, this);
    });
    afterEach(() => plant?.dispose());

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
