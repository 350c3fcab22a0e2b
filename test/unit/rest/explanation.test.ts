import assert from 'node:assert/strict';
import { explanationIn } from '../../../lib/connectors/generic/rest/explanation';

describe('generic.rest: why an API refuses', () => {
  const cases: [string, unknown, string | undefined, string | undefined][] = [
    ['a word', { error: 'order is closed' }, 'order is closed', undefined],
    [
      'problems of fields',
      {
        type: 'about:blank',
        title: 'Bad',
        errors: [
          { field: 'qty', code: 'E7', message: 'é negativa' },
          { pointer: '/no', detail: 'is unknown', class: 'data' },
        ],
      },
      'qty: é negativa (E7); /no: is unknown',
      'qty',
    ],
    [
      'lists by field',
      { errors: { qty: ['is negative', 'is odd'], no: ['is unknown'] } },
      'qty: is negative; qty: is odd; no: is unknown',
      'qty',
    ],
    [
      'fields that are called as words are',
      { errors: { description: 'is empty', qty: 'is negative' } },
      'description: is empty; qty: is negative',
      undefined,
    ],
    [
      'OData',
      { error: { code: 'X/1', message: { lang: 'pt', value: 'Ordem encerrada' }, innererror: {} } },
      'Ordem encerrada',
      undefined,
    ],
    [
      'details below a message',
      { error: { Message: 'Validation failed', code: 422, items: [{ property: 'qty', reason: 'too large' }] } },
      'Validation failed (422); qty: too large',
      undefined,
    ],
    ['nothing', { id: 1 }, undefined, undefined],
  ];
  for (const [what, said, text, field] of cases) {
    it(`is told of ${what}`, () => {
      const found = explanationIn(said, undefined);
      assert.deepEqual([found?.text, found?.field], [text, field]);
    });
  }
});
