import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DemoClient } from '../../demo/client';

type Answer = [status: number, body: unknown];

const page = (items: unknown[]) => ({ items, next_cursor: null, total: items.length });
const active = { code: 'PCP_RUN_ACTIVE', detail: 'It runs.', hint: 'Wait for it.' };

describe('first synchronisation of the demo', () => {
  let server: Server;
  let client: DemoClient;
  /** Answers of the stand-in for the hub, by method and path, used up one after the other. */
  let answers: Record<string, Answer[]>;

  beforeEach(async () => {
    server = createServer((request, response) => {
      const path = (request.url ?? '').split('?')[0];
      const [status, body] = answers[`${request.method} ${path}`]?.shift() ?? [
        500,
        { detail: `No answer for ${path}.` },
      ];
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    client = new DemoClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('follows the run that the hub resumed after a crash, then starts its own', async () => {
    answers = {
      'POST /integrations/sync/7': [
        [409, active],
        [202, { job_id: 'own' }],
      ],
      'GET /integrations/sync/logs': [[200, page([{ job_id: 'resumed' }, { job_id: 'resumed' }])]],
      'GET /integrations/sync/status/resumed': [
        [200, { job_id: 'resumed', status: 'in_progress' }],
        [200, { job_id: 'resumed', status: 'success' }],
      ],
      'GET /integrations/sync/status/own': [[200, { job_id: 'own', status: 'success' }]],
    };
    const jobs = await client.synchronise(7);
    assert.deepEqual(
      jobs.map((job) => job.job_id),
      ['resumed', 'own'],
    );
  });

  it('waits for a run that does not end only as long as it is told', async () => {
    answers = {
      'POST /integrations/sync/7': [[409, active]],
      'GET /integrations/sync/logs': [[200, page([{ job_id: 'stuck' }])]],
      'GET /integrations/sync/status/stuck': Array(5).fill([200, { job_id: 'stuck', status: 'in_progress' }]),
    };
    await assert.rejects(client.synchronise(7, 1), /stuck is still in progress/);
  });

  it('says a refusal as a sentence, without JSON', async () => {
    const refusal = { code: 'PCP_NO_MAPPING', detail: 'Nothing to run.', hint: 'Add a mapping.' };
    answers = { 'POST /integrations/sync/7': [[422, refusal]] };
    await assert.rejects(client.synchronise(7), { message: 'Nothing to run. Add a mapping.' });
  });
});
