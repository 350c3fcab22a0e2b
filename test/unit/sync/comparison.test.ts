import assert from 'node:assert/strict';
import { propertiesOf } from '../../../lib/connectors/sample-schema';
import type { JsonSchema } from '../../../lib/model/entity';
import type { FieldMapping } from '../../../lib/model/mapping';
import { canonical } from '../../../lib/sync/canonical';
import { comparisonOf } from '../../../lib/sync/reconciliation/comparison';
import type { Stream } from '../../../lib/sync/stream';

describe('one text for all spellings of a value', () => {
  const same = (schema: JsonSchema, texts: unknown[], wanted: string): void => {
    for (const text of texts) assert.equal(canonical(text, schema), wanted, String(text));
  };

  it('takes an instant for the same in every zone, however finely it is given', () => {
    const schema = { type: 'string', format: 'date-time' };
    const early = [
      '2024-01-01T08:00:00.000Z',
      '2024-01-01T10:00:00+02:00',
      '2023-12-31T22:30-0930',
      '2024-01-01 08:00:00',
    ];
    same(schema, [...early, '2024-01-01T08:00:00,0+00', '2024-01-01 09:00:00.000 +01:00'], '2024-01-01T08:00:00');
    same(
      schema,
      ['2024-01-01T10:00:00.1234567800+02:00', '2024-01-01T08:00:00.12345678Z'],
      '2024-01-01T08:00:00.12345678',
    );
    same(schema, ['2024-01-01', '2024-01-01T00:00:00Z'], '2024-01-01T00:00:00');
    for (const text of ['2024-02-01T10:00:00+99:00', 'soon', '20240101', '']) same(schema, [text], text);
  });

  it('takes a day with an idle time for the day', () => {
    same({ type: 'string', format: 'date' }, ['2024-01-01', '2024-01-01T00:00:00.000Z'], '2024-01-01');
  });
});

describe('how records of an API become comparable', () => {
  /** Of a target of which some records are all that is known. */
  async function valuesOf(shown: Record<string, unknown>, made: Record<string, unknown>, pairs: FieldMapping[]) {
    const fields = Object.keys(shown);
    const describe = async () => ({ schema: { type: 'object', properties: propertiesOf([shown]) } });
    const stream = {
      direction: 'export',
      target: { connector: { describe } },
      compiled: { keyFields: ['id'], outputFields: fields },
    };
    const mapping = { field_mappings: pairs, options: {} };
    const comparison = await comparisonOf(stream as unknown as Stream, mapping, new AbortController().signal);
    return [comparison.of(made), comparison.of(shown)];
  }

  it('by what the mapping says that their texts stand for', async () => {
    const [made, shown] = await valuesOf(
      {
        id: '007',
        at: '2024-01-01T10:00:00+02:00',
        price: '10.50',
        day: '2024-01-01T00:00:00',
        open: '1',
        name: '10.50',
      },
      { id: 7, at: '2024-01-01T08:00:00.000Z', price: '10.5', day: '2024-01-01', open: true, name: '10.50' },
      [
        { source: 'id', target: 'id', type: 'integer' },
        { source: 'at', target: 'at', type: 'datetime' },
        { source: 'price', target: 'price', type: 'decimal' },
        { source: 'day', target: 'day', type: 'date' },
        { source: 'open', target: 'open', type: 'boolean' },
        { source: 'name', target: 'name' },
      ],
    );
    assert.deepEqual(made, shown);
  });

  it('a text is a text', async () => {
    const [made, shown] = await valuesOf({ id: 'a', name: '10.50' }, { id: 'a', name: '10.5' }, [
      { source: 'id', target: 'id' },
      { source: 'name', target: 'name', type: 'string' },
    ]);
    assert.notDeepEqual(made!.hash, shown!.hash);
  });
});
