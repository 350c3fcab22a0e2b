import assert from 'node:assert/strict';
import { create } from '../../../lib/connectors/erp/oracle-ebs/connector';
import { EbsPlant } from '../../support/ebs/plant';
import { postgresAvailable } from '../../support/postgres';

(postgresAvailable() ? describe : describe.skip)('the test of a connection to Oracle EBS', function () {
  this.timeout(60_000);
  let plant: EbsPlant;

  before(async () => {
    plant = await EbsPlant.start();
  });
  after(() => plant?.stop());

  it('names the field of the form that holds the wrong password', async () => {
    const connector = create(plant.connection({}, { database_password: 'canary-4711' }), { log: () => undefined });
    const { steps } = await connector.test(new AbortController().signal);
    await connector.close();
    assert.deepEqual(
      [steps.at(-1)?.name, steps.at(-1)?.error?.code, steps.at(-1)?.error?.path],
      ['authenticate', 'PCP_SQL_AUTH', '/credentials/database_password'],
    );
  });
});
