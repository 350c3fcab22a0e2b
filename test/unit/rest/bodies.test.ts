import assert from 'node:assert/strict';
import { openWriter, record, signal, withApi } from './server';

const XML = 'application/xml';
const order = {
  number: '000123',
  quantity: '1234567890123456789.10',
  note: 'a < b & "c"',
  lines: [{ pos: 1 }, { pos: 2 }],
};

describe('generic.rest: bodies in other formats than JSON', () => {
  const context = withApi();
  const bodyFor = async (create: Record<string, unknown>, data: Record<string, unknown>, more = {}) => {
    context.api.handler = () => ({ status: 201 });
    const writer = await openWriter(context.open({ orders: { create: { path: '/orders', ...create }, ...more } }));
    const [result] = await writer.write([record(data)], signal);
    assert.deepEqual(result, { outcome: 'created' });
    const { headers, body } = context.api.asked.at(-1)!;
    assert.equal(headers['content-type'], create.content_type);
    return body;
  };
  const bulkBodyFor = async (bulk: Record<string, unknown>, more = {}) => {
    context.api.handler = () => ({ status: 200 });
    const writer = await openWriter(context.open({ orders: { bulk: { path: '/bulk', ...bulk }, ...more } }));
    await writer.write([record({ number: '01', quantity: '0.10' }), record({ number: '02', quantity: null })], signal);
    return context.api.asked.at(-1)!.body;
  };

  it('writes forms: a list repeats its name, an object names its fields in brackets', async () => {
    const content_type = 'application/x-www-form-urlencoded';
    const data = { number: '000123', quantity: '1e400', tags: ['a b', 'c&d'], customer: { id: 7, name: null } };
    assert.equal(
      await bodyFor({ content_type }, data, { numbers: ['quantity'] }),
      'number=000123&quantity=1e400&tags=a+b&tags=c%26d&customer%5Bid%5D=7&customer%5Bname%5D=',
    );
    assert.equal(await bodyFor({ content_type, body: 'no={number}&tag={tags}' }, { number: 'a&b' }), 'no=a%26b&tag=');
    context.api.asked.length = 0;
    const writer = await openWriter(context.open({ orders: { create: { path: '/orders', content_type } } }));
    const [refused] = await writer.write([record(order)], signal);
    assert.ok(refused?.outcome === 'failed' && refused.error.code === 'PCP_WRITE_VALUE');
    assert.equal(context.api.asked.length, 0);
  });

  it('writes XML by names of elements, or from a template that is a text', async () => {
    const declared = '<?xml version="1.0" encoding="UTF-8"?>\n';
    assert.equal(
      await bodyFor({ content_type: XML, wrap: '/Orders/Order' }, order, { numbers: ['quantity'] }),
      `${declared}<Orders><Order><number>000123</number><quantity>1234567890123456789.10</quantity>` +
        '<note>a &lt; b &amp; "c"</note><lines><pos>1</pos></lines><lines><pos>2</pos></lines></Order></Orders>',
    );
    const body = { Order: { '@no': '{number}', note: '{none}', '#text': 'x' } };
    assert.equal(
      await bodyFor({ content_type: 'text/xml; charset=utf-8', body }, order),
      `${declared}<Order xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" no="000123"><note xsi:nil="true"/>x</Order>`,
    );
    const text = '<soap:Body><no a="{note}">{number}</no></soap:Body>';
    assert.equal(
      await bodyFor({ content_type: 'application/soap+xml', body: text }, order),
      '<soap:Body><no a="a &lt; b &amp; &quot;c&quot;">000123</no></soap:Body>',
    );
  });

  it('writes rows of CSV, lines of NDJSON and any text', async () => {
    const data = { number: '000123', quantity: '1e400', note: 'a,"b"' };
    assert.equal(
      await bodyFor({ content_type: 'text/csv' }, data),
      'number,quantity,note\r\n000123,1e400,"a,""b"""\r\n',
    );
    const columns = { columns: ['quantity', 'number'], delimiter: ';' };
    assert.equal(await bodyFor({ content_type: 'text/csv' }, data, columns), '1e400;000123\r\n');
    const numbers = { numbers: ['quantity'] };
    assert.equal(
      await bodyFor(
        { content_type: 'application/x-ndjson', wrap: '/order' },
        { number: '1', quantity: '1e400' },
        numbers,
      ),
      '{"order":{"number":"1","quantity":1e400}}\n',
    );
    assert.equal(await bodyFor({ content_type: 'text/plain', body: 'PO {number}!' }, data), 'PO 000123!');
  });

  it('writes many records with one request', async () => {
    const numbers = { numbers: ['quantity'] };
    assert.equal(
      await bulkBodyFor({ content_type: 'application/x-ndjson' }, numbers),
      '{"number":"01","quantity":0.10}\n{"number":"02","quantity":null}\n',
    );
    assert.equal(await bulkBodyFor({ content_type: 'text/csv' }, numbers), 'number,quantity\r\n01,0.10\r\n02,\r\n');
    const body = { '@no': '{number}' };
    assert.equal(
      await bulkBodyFor({ content_type: XML, items: '/Orders/Order', body }),
      '<?xml version="1.0" encoding="UTF-8"?>\n<Orders><Order no="01"></Order><Order no="02"></Order></Orders>',
    );
  });

  it('one record that cannot be written keeps no other of its request from being sent', async () => {
    context.api.handler = ({ body }) => ({
      body: body
        .split('\n')
        .slice(0, -1)
        .map((_, index) => ({ id: `X${index}` })),
    });
    const bulk = { path: '/bulk', content_type: 'application/x-ndjson', id: '/id' };
    const writer = await openWriter(context.open({ orders: { bulk, numbers: ['quantity'] } }));
    const quantities = ['1', '2', 'many', '4'];
    const results = await writer.write(
      quantities.map((quantity) => record({ number: quantity, quantity })),
      signal,
    );
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['created', 'created', 'failed', 'created'],
    );
  });

  it('reads what is answered in XML', async () => {
    const headers = { 'content-type': 'application/xml' };
    const create = { path: '/orders', content_type: XML, wrap: '/Order', id: '/Order/@id', result: '/Result' };
    const said: Record<string, { status?: number; body: string }> = {
      A: { body: '<?xml version="1.0"?>\n<r:Answer xmlns:r="urn:x"><Result>OK</Result><Order id="0007"/></r:Answer>' },
      B: { body: '<Answer><Result>no</Result><message>It is locked.</message></Answer>' },
      C: { status: 422, body: '<Error><message>Too many.</message></Error>' },
      D: { body: '<Answer><Result>OK' },
    };
    context.api.handler = ({ body }) => ({ headers, ...said[/<number>(.)/.exec(body)![1]!] });
    const writer = await openWriter(context.open({ orders: { create } }));
    const results = await writer.write(
      Object.keys(said).map((number) => record({ number })),
      signal,
    );
    assert.deepEqual(results[0], { outcome: 'created', externalKey: '0007' });
    assert.match(String(results[1]?.outcome === 'failed' && results[1].error.message), /It is locked\./);
    assert.match(String(results[2]?.outcome === 'failed' && results[2].error.message), /422: Too many\./);
    assert.equal(results[3]?.outcome, 'unknown');
  });

  it('judges each of many records by its element, a list of one as well', async () => {
    const headers = { 'content-type': 'text/xml' };
    const bulk = {
      path: '/bulk',
      content_type: XML,
      items: '/Orders/Order',
      results: '/Line',
      id: '/No',
      error: '/Error',
    };
    const answers = [
      '<A><Line><No>1</No></Line><Line><Error>Bad.</Error></Line></A>',
      '<A><Line><No>3</No></Line></A>',
    ];
    context.api.handler = () => ({ headers, body: answers.shift() });
    const writer = await openWriter(context.open({ orders: { bulk: { ...bulk, size: 2 } } }, { max_concurrency: 1 }));
    const results = await writer.write(
      ['1', '2', '3'].map((number) => record({ number })),
      signal,
    );
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['created', 'failed', 'created'],
    );
    assert.ok(results[2]?.outcome === 'created' && results[2].externalKey === '3');
  });

  it('looks records up in XML', async () => {
    const headers = { 'content-type': 'application/xml' };
    const found = { A: '<Orders><Order><id>7</id><number>A</number></Order></Orders>', B: '<Orders/>', C: '<Orders>' };
    context.api.handler = ({ query }) => ({ headers, body: found[query.get('no') as keyof typeof found] });
    const lookup = { path: '/orders?no={number}', items: '/Order' };
    const create = { path: '/orders' };
    const writer = await openWriter(context.open({ orders: { create, lookup } }));
    const [a, b] = await writer.resolve!([record({ number: 'A' }), record({ number: 'B' })], signal);
    assert.deepEqual(a, { state: 'found', externalKey: '7', data: { id: '7', number: 'A' } });
    assert.deepEqual(b, { state: 'absent' });
    await assert.rejects(writer.resolve!([record({ number: 'C' })], signal), { code: 'PCP_REST_XML' });
  });

  it('refuses settings by which no record could be written', async () => {
    const path = '/orders';
    const wrong: [Record<string, unknown>, string][] = [
      [{ create: { path, content_type: 'application/pdf' } }, 'create/content_type'],
      [{ create: { path, content_type: XML } }, 'create/wrap'],
      [{ update: { path, content_type: XML, body: { a: 1, b: 2 } } }, 'update/wrap'],
      [{ create: { path, content_type: 'text/csv', body: '{number}' } }, 'create/body'],
      [{ bulk: { path, content_type: 'text/plain', body: '{number}' } }, 'bulk/content_type'],
      [{ bulk: { path, content_type: 'application/x-www-form-urlencoded' } }, 'bulk/content_type'],
      [{ bulk: { path, content_type: XML, items: '/Orders' } }, 'bulk/items'],
      [{ bulk: { path, content_type: 'text/csv', items: '/rows' } }, 'bulk/items'],
      [{ bulk: { path, content_type: XML, items: '/Orders/Order', body: '<a/>' } }, 'bulk/body'],
    ];
    for (const [entity, place] of wrong) {
      const opening = openWriter(context.open({ orders: entity }));
      await assert.rejects(opening, { code: 'PCP_SETTING_INVALID', path: `/config/entities/orders/${place}` });
    }
  });
});
