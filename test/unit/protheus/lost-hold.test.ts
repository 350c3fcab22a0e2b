import assert from 'node:assert/strict';
import { create } from '../../../lib/connectors/erp/protheus/connector';
import { IntegrationError } from '../../../lib/model/errors';
import { protheusPlant } from '../../support/protheus/plant';
import { failureOf, record, signal } from '../rest/server';

describe('protheus: a run that lost its hold while it looked for a record', () => {
  it('does not post it', async () => {
    const plant = await protheusPlant();
    const connector = create(plant.connection({}), { log: () => undefined });
    const keyFields = ['IntegrationReport'];
    const isPosted = () => plant.asked.some(({ method, url }) => method === 'POST' && url.includes('/stopReports'));
    const assertSafeToWrite = () => {
      const isAsked = plant.asked.some(({ url }) => url.includes('/stopReports'));
      if (isAsked) throw new IntegrationError('transient', 'PCP_LEASE_ENDING', 'The lease may end.');
    };
    const target = { entity: 'stop_report', keyFields, fields: [], resume: null, runId: 1, mappingId: 1 };
    const writer = await connector.openWriter!({ ...target, assertSafeToWrite }, signal);
    const stop = { IntegrationReport: 'LOST', MachineCode: 'M1', StartDateTime: '2026-11-27T06:00:30-03:00' };
    const failure = await failureOf(writer.write([record(stop, {}, keyFields)], signal));
    assert.deepEqual([failure.code, failure.results, isPosted()], ['PCP_LEASE_ENDING', [undefined], false]);
    await connector.close();
    await plant.stop();
  });
});
