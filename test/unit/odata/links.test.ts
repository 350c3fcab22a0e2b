import assert from 'node:assert/strict';
import { findMatches } from '../../../lib/protocols/odata/find';
import { failureOf, signal } from '../rest/server';
import { openService, ScriptedService } from './server';

/** More than are held of one list come with every page. */
const LARGE_PAGE = 60_000;

describe('odata: links that lead on', () => {
  const api = new ScriptedService();
  let service: Awaited<ReturnType<typeof openService>>['service'];
  let close: () => Promise<void>;

  before(async () => {
    await api.start();
    const opened = await openService(api);
    service = opened.service;
    close = () => opened.client.close();
  });
  after(async () => {
    await close();
    await api.stop();
  });
  beforeEach(() => {
    api.answers.clear();
    api.asked.length = 0;
  });

  it('end a look-up where one leads to itself', async () => {
    api.answers.set('GET /svc/Orders', { body: { value: [], '@odata.nextLink': 'Orders?$skiptoken=1' } });
    const set = await service.entitySet('Orders', signal);
    const failure = await failureOf(findMatches(service, set, { Number: 'A' }, {}, signal));
    assert.deepEqual([failure.code, api.asked.length], ['PCP_ODATA_PAGING', 2]);
  });

  it('end a list that is held as a whole, however long its pages are', async () => {
    let page = 0;
    const more = (link: string) => () => ({
      body: {
        value: Array.from({ length: LARGE_PAGE }, (_, n) => ({ Id: n })),
        '@odata.nextLink': `${link}?$skiptoken=${++page}`,
      },
    });
    api.answers.set("GET /svc/Nearest(Site='A',Count=9)", more("Nearest(Site='A',Count=9)"));
    const called = await failureOf(service.call('Nearest', { Site: 'A', Count: 9 }, signal));
    assert.deepEqual([called.class, called.code, api.asked.length], ['guard', 'PCP_ODATA_ENDLESS', 2]);

    const stops = "Machines('M')/Stops";
    const machine = { Id: 'M', Stops: [], 'Stops@odata.nextLink': `/api/svc/${stops}?$skiptoken=0` };
    api.answers.set('GET /svc/Machines', { body: { value: [machine] } });
    api.answers.set(`GET /svc/${stops}`, more(`/api/svc/${stops}`));
    const set = await service.entitySet('Machines', signal);
    const read = await failureOf(service.page(set, { expand: ['Stops'] }, signal));
    assert.deepEqual([read.class, read.code], ['guard', 'PCP_ODATA_ENDLESS']);
  });
});
