import assert from 'node:assert/strict';
import { checkMustache, renderMustache } from '../../../lib/webhooks/outgoing/mustache';

const HOSTILE = ['", "admin": true, "x": "', '1, 2', '1}, {"a": 2', '\\', '\\"', '\n\u0000\u2028', '{{type}}', '</a>&'];

const render = (template: string, data: Record<string, unknown>, type = 'application/json') =>
  renderMustache(template, { type: 'run.failed', timestamp: '2026-11-24T05:00:00.000Z', data }, type);
const parsed = (template: string, data: Record<string, unknown>) => JSON.parse(render(template, data)) as unknown;

describe('Mustache templates', () => {
  it('put each value into JSON as one, whatever it holds', () => {
    for (const v of [...HOSTILE, 12, 0.5, true, null, { a: ['b'] }, [1, '"']]) {
      assert.deepEqual(parsed('{"v": {{data.v}}, "w": [{{{data.v}}}, {{&data.v}}]}', { v }), { v, w: [v, v] });
      const text = v === null ? '' : typeof v === 'object' ? JSON.stringify(v) : String(v);
      assert.deepEqual(parsed('{"v": "a {{data.v}}\\" {{data.v}}"}', { v }), { v: `a ${text}" ${text}` });
    }
    assert.deepEqual(parsed('{"v": {{data.missing}}, "w": "{{data.missing.too}}"}', {}), { v: null, w: '' });
  });

  it('have sections over lists, and for what is there or not', () => {
    const template = '{"all": [{{#data.list}}{{^first}}, {{/first}}{"n": {{n}}, "of": "{{type}}"}{{/data.list}}]}';
    const list = [
      { n: 1, first: true },
      { n: '2"', first: false },
    ];
    assert.deepEqual(parsed(template, { list }), {
      all: [
        { n: 1, of: 'run.failed' },
        { n: '2"', of: 'run.failed' },
      ],
    });
    assert.equal(render('{{#data.no}}{"a": 1}{{/data.no}}', { no: false }), '');
  });

  it('encode values for XML and forms, and leave other texts as they are', () => {
    const data = { v: `<a b="c">&'` };
    const xml = '<v>&#60;a b=&#34;c&#34;&#62;&#38;&#39;</v>';
    assert.equal(render('<v>{{data.v}}</v>', data, 'application/xml; charset=utf-8'), xml);
    assert.equal(render('v={{data.v}}', data, 'application/x-www-form-urlencoded'), `v=${encodeURIComponent(data.v)}`);
    assert.equal(render('{{data.v}}', data, 'text/plain'), data.v);
  });

  it('put values into lines of JSON as into JSON, and into nothing of which it is not known how', () => {
    const hostile = '", "admin": true, "x": "';
    for (const type of ['application/x-ndjson', 'application/jsonl; charset=utf-8', 'application/vnd.plant.json']) {
      const lines = render('{"v": "{{data.v}}"}', { v: hostile }, type);
      assert.deepEqual(JSON.parse(lines), { v: hostile }, type);
    }
    const two = render(
      '{{#data.list}}{"n": {{n}}}\n{{/data.list}}',
      { list: [{ n: 1 }, { n: '2\n' }] },
      'application/x-ndjson',
    );
    assert.deepEqual(
      two
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).n),
      [1, '2\n'],
    );
    for (const type of ['text/csv', 'application/graphql', 'application/yaml']) {
      assert.throws(() => render('{{data.v}}', { v: 1 }, type), { class: 'data', code: 'PCP_TEMPLATE_FAILED' }, type);
      assert.throws(() => checkMustache('{{data.v}}', '/t', type), { code: 'PCP_TEMPLATE_INVALID' }, type);
    }
  });

  it('that come to too much fail before all of it is put together', () => {
    const v = 'x'.repeat(100_000);
    const list = Array.from({ length: 9000 }, () => 1);
    for (const type of ['application/json', 'text/plain']) {
      const whole = () => render('[{{#data.list}}"{{data.v}}",{{/data.list}}0]', { v, list }, type);
      assert.throws(
        whole,
        { class: 'data', code: 'PCP_TEMPLATE_FAILED', message: /more than 1048576 characters/ },
        type,
      );
    }
  });

  it('reach nothing but the event', () => {
    const data = { list: [1], text: 'a' };
    for (const name of [
      'constructor',
      'toString',
      '__proto__',
      'data.constructor.name',
      'data.list.map',
      'data.text.at',
    ])
      assert.equal(render(`{{#${name}}}return 1{{/${name}}}{{${name}}}{{>${name}}}`, data, 'text/plain'), '', name);
  });

  it('that are wrong are refused, when they are saved or when it shows', () => {
    for (const template of ['{{#a}}', '{{a', '{{/a}}', 'a\u0000b'])
      assert.throws(() => checkMustache(template, '/t'), { code: 'PCP_TEMPLATE_INVALID', path: '/t' }, template);
    checkMustache('{"a": "{{data.a}}"}', '/t');
    const list = Array.from({ length: 100 }, () => 1);
    const nested = `${'{{#data.list}}'.repeat(10)}x${'{{/data.list}}'.repeat(10)}`;
    for (const [template, type] of [
      ['{"a": {{data.a}}', 'application/json'],
      ['{"a": "\\{{data.a}}"}', 'application/problem+json'],
      [nested, 'text/plain'],
      ['{{#data.list}}{{data.long}}{{/data.list}}', 'text/plain'],
    ] as const) {
      const long = 'x'.repeat(20_000);
      assert.throws(() => render(template, { a: 'n', list, long }, type), {
        code: 'PCP_TEMPLATE_FAILED',
        class: 'data',
      });
    }
  });
});
