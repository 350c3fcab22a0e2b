import assert from 'node:assert/strict';
import type { HttpClient } from '../../../lib/protocols/http/client';
import { sendBatch } from '../../../lib/protocols/odata/batch';
import { ODataService } from '../../../lib/protocols/odata/service';
import { type Answer, failureOf, signal, TestApi } from '../rest/server';
import { documentText } from './documents';
import { openService, xml } from './server';

/** Answers $metadata by itself and everything else as the test says. */
class StubService extends TestApi {
  document: Parameters<typeof documentText>[0] = 'orders';
  answer: Answer | ((path: string, body: string, type: string) => Answer) = { status: 204 };

  override handler: TestApi['handler'] = ({ path, body, headers }) => {
    if (path.endsWith('/$metadata')) return xml(documentText(this.document));
    return typeof this.answer === 'function' ? this.answer(path, body, headers['content-type'] ?? '') : this.answer;
  };
}

const fault = (inner: Record<string, unknown> = {}) => ({
  error: { code: 'RU/505', message: { lang: 'en', value: 'Operation is not released' }, innererror: inner },
});

describe('odata service', () => {
  let api: StubService;
  let client: HttpClient | undefined;

  beforeEach(async () => {
    api = new StubService();
    await api.start();
  });
  afterEach(async () => {
    await client?.close();
    await api.stop();
  });

  async function open(options: Parameters<typeof openService>[1] = {}): Promise<ODataService> {
    const opened = await openService(api, options);
    client = opened.client;
    return opened.service;
  }

  const last = () => api.asked.at(-1)!;

  it('keeps what was read of $metadata, and asks again after a failure', async () => {
    const service = await open({ parameters: { 'sap-client': '100' } });
    await service.model(signal);
    assert.deepEqual(api.paths(), ['GET /svc/$metadata?sap-client=100']);
    const { service: other, client: second } = await openService(api, { path: '/other' }).catch(() => assert.fail());
    await Promise.all([other.model(signal), other.model(signal)]);
    assert.equal(api.paths().filter((path) => path.includes('/other')).length, 1);
    await second.close();
  });

  it('reads $metadata on for those who wait when whoever asked first gives up', async () => {
    const { client, options } = await open();
    const service = new ODataService(client, options);
    const first = new AbortController();
    const asked = service.model(first.signal);
    const waits = service.model(signal);
    first.abort();
    assert.equal((await failureOf(asked)).class, 'cancelled');
    assert.equal((await waits).version, 2);
  });

  it('changes with MERGE, PATCH or PUT, on the condition of a version', async () => {
    const set = (service: ODataService) => service.entitySet('A_ProductionOrder_2', signal);
    for (const method of ['MERGE', 'PATCH', 'PUT'] as const) {
      const service = await open({ updateMethod: method });
      const data = { ManufacturingOrder: '000001000001', TotalQuantity: '5' };
      assert.equal(await service.update(await set(service), data, signal, { version: 'W/"1"' }), null);
      const { body, headers, path } = last();
      assert.deepEqual(
        [last().method, path, body],
        [method, "/svc/A_ProductionOrder_2('000001000001')", '{"TotalQuantity":"5"}'],
      );
      assert.equal(headers['if-match'], 'W/"1"');
      assert.equal(headers.dataserviceversion, '2.0');
      await client?.close();
    }
    const service = await open();
    await service.remove(await set(service), { ManufacturingOrder: '1' }, signal, { version: '*' });
    assert.deepEqual([last().method, last().headers['if-match']], ['DELETE', '*']);
  });

  it('calls functions of version 2 with parameters in the URL, and reads what they answer', async () => {
    const service = await open({ parameters: { 'sap-client': '100' } });
    api.answer = { body: { d: { ReleaseOrder: { IsInvalid: false, __metadata: {} } } } };
    assert.deepEqual(await service.call('ReleaseOrder', { ManufacturingOrder: "1'2" }, signal), { IsInvalid: false });
    assert.deepEqual([last().method, last().path, last().body], ['POST', '/svc/ReleaseOrder', '']);
    assert.deepEqual(Object.fromEntries(last().query), { ManufacturingOrder: "'1''2'", 'sap-client': '100' });
    const wrong = await failureOf(service.call('ReleaseOrder', { Order: '1' }, signal));
    assert.deepEqual([wrong.code, wrong.hint], ['PCP_OPERATION_UNKNOWN', 'It takes: ManufacturingOrder.']);
    assert.match((await failureOf(service.call('Release', {}, signal))).hint ?? '', /ReleaseOrder, TechlyCmpltOrder/);
  });

  it('calls functions and actions of version 4, bound and not', async () => {
    api.document = 'plant';
    const service = await open();
    api.answer = { body: { value: [{ Id: 1, Rate: 2.5 }] } };
    assert.deepEqual(await service.call('Nearest', { Site: 'A/B', Count: 1 }, signal), [{ Id: 1, Rate: '2.5' }]);
    assert.equal(last().path, "/svc/Nearest(Site='A%2FB',Count=1)");
    api.answer = { body: { '@odata.context': 'x', value: 42 } };
    assert.equal(await service.call('Recalculate', {}, signal), 42);
    assert.deepEqual([last().method, last().path, last().body], ['POST', '/svc/Recalculate', '{}']);
    api.answer = { status: 204 };
    const amount = { Amount: '12345678901234567.5' };
    assert.equal(await service.call('Release', amount, signal, { set: 'Orders', key: { Number: 'A' } }), null);
    assert.equal(last().path, "/svc/Orders('A')/Plant.Entities.Release");
    assert.equal(last().body, '{"Amount":"12345678901234567.5"}');
    assert.match(last().headers['content-type'] ?? '', /IEEE754Compatible=true/);
  });

  it('tells what a service said: code, words, details and field, and no secret', async () => {
    const service = await open({ secrets: ['canary-4711'] });
    const set = await service.entitySet('A_ProductionOrder_2', signal);
    const failing = (status: number, body: unknown) => {
      api.answer = { status, body };
      return failureOf(service.create(set, {}, signal));
    };
    const details = [
      { code: 'X', message: 'for canary-4711', propertyref: '/#TRANSIENT#/A_Order/TotalQuantity', target: '' },
    ];
    const refused = await failing(400, fault({ errordetails: details }));
    assert.deepEqual([refused.class, refused.code, refused.path], ['data', 'PCP_ODATA_REFUSED', 'TotalQuantity']);
    assert.equal(refused.message, 'The service answered 400: Operation is not released for [redacted] (RU/505)');
    const v4 = {
      error: {
        code: '',
        message: 'An error has occurred.',
        target: 'Amount',
        details: [{ message: 'too large' }],
        innererror: { message: 'Field is locked' },
      },
    };
    const said = await failing(400, v4);
    assert.equal(said.message, 'The service answered 400: An error has occurred. Field is locked too large');
    assert.equal(said.path, 'Amount');
    const atom =
      '<?xml version="1.0"?><error xmlns="x"><code>005</code><message xml:lang="en">No &lt;right&gt;</message></error>';
    assert.match((await failing(403, atom)).message, /403: No <right> \(005\)/);
    assert.equal((await failing(400, 'plain words')).code, 'PCP_HTTP_REJECTED');
    assert.equal((await failing(500, fault())).outcomeUnknown, true);
    const classes: string[] = [];
    for (const status of [401, 403, 404, 409, 412, 428, 500, 429]) classes.push((await failing(status, fault())).class);
    const conflicts = ['conflict', 'conflict', 'conflict'];
    assert.deepEqual(classes, ['auth', 'permission', 'config', ...conflicts, 'transient', 'rate_limit']);
  });

  it('follows delta links: what changed, and what is gone by its key', async () => {
    api.document = 'plant';
    const service = await open();
    const set = await service.entitySet('Machines', signal);
    api.answer = { body: { value: [], '@odata.deltaLink': 'Machines?$deltatoken=1' } };
    const first = await service.page(set, {}, signal, { prefer: 'odata.track-changes' });
    assert.equal(last().headers.prefer, 'odata.track-changes');
    const gone = {
      '@odata.context': '#Machines/$deletedEntity',
      id: "Machines(Company='A/1, (b)',Id=7)",
      reason: 'deleted',
    };
    const removed = { '@removed': { reason: 'deleted' }, '@id': 'x', Company: 'B', Id: '9007199254740993' };
    api.answer = {
      body: { value: [{ Company: 'C', Id: 1, Rate: 2 }, gone, removed], '@odata.deltaLink': 'Machines?$deltatoken=2' },
    };
    const changes = await service.follow(first.delta!, first.base, set, signal);
    assert.equal(last().query.get('$deltatoken'), '1');
    assert.deepEqual(
      changes.entities.map(({ data, isRemoved }) => [data, isRemoved === true]),
      [
        [{ Company: 'C', Id: 1, Rate: '2' }, false],
        [{ Company: 'A/1, (b)', Id: 7 }, true],
        [{ Company: 'B', Id: '9007199254740993' }, true],
      ],
    );
    assert.equal(changes.delta, 'Machines?$deltatoken=2');
  });

  it('gives no entity fields that it does not have itself', async () => {
    const service = await open();
    const set = await service.entitySet('A_ProductionOrder_2', signal);
    const headers = { 'content-type': 'application/json' };
    const body = '{"d":{"ManufacturingOrder":"1","__proto__":{"Material":"M"}}}';
    api.answer = { headers, body };
    const found = await service.entity(set, { ManufacturingOrder: '1' }, {}, signal);
    assert.equal(found?.data.Material, undefined);
  });

  it('reads a version from the head of an answer', async () => {
    const service = await open();
    const set = await service.entitySet('A_ProductionOrder_2', signal);
    api.answer = { headers: { etag: 'W/"7"' }, body: { d: { ManufacturingOrder: '1' } } };
    assert.equal((await service.entity(set, { ManufacturingOrder: '1' }, {}, signal))?.version, 'W/"7"');
  });

  describe('batches', () => {
    const lines = (...parts: string[]) => parts.join('\r\n');
    const creations = (service: ODataService, set: Awaited<ReturnType<ODataService['entitySet']>>) => async () => {
      const model = await service.model(signal);
      return ['1', '2'].map((ManufacturingOrder) => service.creation(set, { ManufacturingOrder }, model));
    };

    async function sent(answer: Answer['body'], type: string, groups: 'one' | 'each' = 'each', status = 202) {
      const service = await open();
      const set = await service.entitySet('A_ProductionOrder_2', signal);
      const requests = await creations(service, set)();
      api.answer = { status, headers: { 'content-type': type }, body: answer };
      return sendBatch(service, groups === 'one' ? [requests] : requests, signal);
    }
    const part = (status: string, body: string, id = '') =>
      lines(
        'Content-Type: application/http',
        `Content-Length: 9${id}`,
        '',
        `HTTP/1.1 ${status}`,
        'Content-Type: application/json',
        '',
        body,
      );

    it('takes each answer for its request, whatever order a change set is answered in', async () => {
      const inner = lines(
        '--c',
        part('201 Created', '{"n":2}', '\r\nContent-ID: 2'),
        '--c',
        part('201 Created', '{"n":1}', '\r\nContent-ID: 1'),
        '--c--',
      );
      const body = lines('preamble', '--b', 'Content-Type: multipart/mixed; boundary="c"', '', inner, '--b--', '');
      const [answer] = await sent(body, 'multipart/mixed; boundary=b', 'one');
      assert.ok(answer && 'answers' in answer);
      assert.deepEqual(
        answer.answers.map((each) => each.body),
        ['{"n":1}', '{"n":2}'],
      );
      assert.match(last().headers['content-type'] ?? '', /^multipart\/mixed; boundary=batch_/);
    });

    it('gives the refusal of a change set as one, with the words of the service', async () => {
      const body = lines(
        '--b',
        part('400 Bad Request', JSON.stringify(fault())),
        '--b',
        part('201 Created', '{}'),
        '--b--',
      );
      const [first, second] = await sent(body, 'multipart/mixed;boundary=b');
      assert.ok(first && 'error' in first && second && 'answers' in second);
      assert.deepEqual([first.error.class, first.error.outcomeUnknown], ['data', false]);
      assert.match(first.error.message, /Operation is not released/);
    });

    it('holds no request but those that it is made of, whatever version the service gave', async () => {
      const service = await open();
      const set = await service.entitySet('A_ProductionOrder_2', signal);
      const model = await service.model(signal);
      const data = { ManufacturingOrder: '1', TotalQuantity: '5' };
      const version = 'W/"1"\r\n\r\n{"TotalQuantity":"666"}';
      const before = api.asked.length;
      const change = service.modification(set, data, model, { version });
      const error = await failureOf(sendBatch(service, [change, change], signal));
      assert.deepEqual([error.code, api.asked.length], ['PCP_ODATA_VALUE', before]);
    });

    it('does not know what became of requests that a cut answer leaves out', async () => {
      const whole = lines('--b', part('201 Created', '{}'), '--b', part('201 Created', '{}'), '--b--');
      const cut = await failureOf(sent(whole.slice(0, -10), 'multipart/mixed; boundary=b'));
      assert.deepEqual([cut.code, cut.outcomeUnknown], ['PCP_ODATA_BATCH', true]);
      const [, missing] = await sent(lines('--b', part('201 Created', '{}'), '--b--'), 'multipart/mixed; boundary=b');
      assert.ok(missing && 'error' in missing && missing.error.outcomeUnknown);
      const [, stopped] = await sent(lines('--b', part('400 No', '{}'), '--b--'), 'multipart/mixed; boundary=b');
      assert.ok(stopped && 'error' in stopped && !stopped.error.outcomeUnknown);
    });

    it('writes and reads batches of version 4 as JSON, by the ids of their requests', async () => {
      api.document = 'plant';
      const service = await open();
      const set = await service.entitySet('Orders', signal);
      const model = await service.model(signal);
      const creation = (number: string) => service.creation(set, { Number: number, Amount: '1.50' }, model);
      api.answer = (_path, body) => {
        const { requests } = JSON.parse(body) as { requests: { id: string; atomicityGroup?: string; url: string }[] };
        assert.deepEqual(
          requests.map((each) => [each.url, each.atomicityGroup]),
          [
            ['/Orders', undefined],
            ['/Orders', 'g1'],
            ['/Orders', 'g1'],
          ],
        );
        assert.ok(body.includes('"body":{"Number":"A","Amount":1.50}'), body);
        const [one, two, three] = requests.map(({ id }) => ({ id, status: 201, body: { Number: id } }));
        return { body: { responses: [three, one, two] } };
      };
      const [first, group] = await sendBatch(service, [creation('A'), [creation('B'), creation('C')]], signal, 'json');
      assert.ok(first && 'answers' in first && group && 'answers' in group);
      assert.deepEqual(
        group.answers.map(({ body }) => body),
        ['{"Number":"1.0"}', '{"Number":"1.1"}'],
      );
    });
  });

  it('takes nothing for a record that is none', async () => {
    const service = await open();
    const set = await service.entitySet('A_ProductionOrder_2', signal);
    const bodies = [
      {},
      { value: null },
      { d: {} },
      { d: { results: null } },
      { error: { code: 'X' } },
      { d: { __count: '0' } },
    ];
    for (const body of bodies) {
      api.answer = { status: 200, body };
      const error = await failureOf(service.page(set, { top: 1 }, signal));
      assert.equal(error.code, 'PCP_ODATA_JSON', JSON.stringify(body));
    }
    api.answer = { status: 200, body: { d: { results: [] } } };
    assert.deepEqual((await service.page(set, { top: 1 }, signal)).entities, []);
  });

  it('asks for the next page as for the first, also where the link has forgotten how', async () => {
    const service = await open({ parameters: { 'sap-client': '100' } });
    const set = await service.entitySet('A_ProductionOrder_2', signal);
    api.answer = { status: 200, body: { d: { results: [] } } };
    const { base } = await service.page(set, { top: 1 }, signal);
    await service.follow('A_ProductionOrder_2?$skiptoken=a%20b', base, set, signal);
    assert.match(String(api.paths().at(-1)), /skiptoken=a.b&sap-client=100$/);
  });

  it('does not know what became of a change whose answer is broken', async () => {
    const service = await open();
    const set = await service.entitySet('A_ProductionOrder_2', signal);
    api.answer = { status: 201, headers: { 'content-type': 'application/json' }, body: '{"d":{"Manufact' };
    const failure = await failureOf(service.create(set, { ManufacturingOrder: '1' }, signal));
    assert.deepEqual([failure.code, failure.outcomeUnknown], ['PCP_ODATA_JSON', true]);
  });

  it('takes a change that is answered with nothing for done', async () => {
    const service = await open();
    const set = await service.entitySet('A_ProductionOrder_2', signal);
    api.answer = { status: 201, headers: { 'transfer-encoding': 'chunked' }, body: '' };
    assert.equal(await service.create(set, { ManufacturingOrder: '1' }, signal), null);
  });
});
