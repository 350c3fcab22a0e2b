import assert from 'node:assert/strict';
import type { JsonSchema } from '../../../lib/model/entity';
import { catalogue } from '../../../lib/platform/catalogue';
import { EntityTypeStore } from '../../../lib/platform/entity-types';
import { EntityRecordStore } from '../../../lib/platform/records';
import { newStore, storeKinds, type TestStore } from '../store/stores';

const schema = (changes: Record<string, JsonSchema> = {}, required: string[] = []): JsonSchema => ({
  type: 'object',
  properties: {
    code: { type: 'string', maxLength: 20 },
    line: { type: 'string', default: '' },
    weight: { type: 'string', format: 'decimal' },
    state: { type: 'string', enum: ['a', 'b'] },
    ...changes,
  },
  required,
});

for (const kind of storeKinds) {
  describe(`EntityTypeStore on ${kind.name}`, () => {
    let test: TestStore;
    let types: EntityTypeStore;
    let records: EntityRecordStore;
    const input = { type: 'tool', title: 'Tool', key: ['code', 'line'], schema: schema() };

    beforeEach(async function () {
      test = await newStore(kind, this);
      types = new EntityTypeStore(test.store.database);
      records = new EntityRecordStore({ database: test.store.database, types });
    });
    afterEach(() => test?.dispose());

    it('adds a type beside the catalogue and keeps it', async () => {
      const made = await types.create(input);
      assert.equal(made.built_in, false);
      assert.deepEqual(made.schema.required, ['code']);
      assert.equal(made.schema.additionalProperties, false);
      const again = new EntityTypeStore((await test.again()).database);
      assert.deepEqual(await again.get('tool'), made);
      assert.equal((await again.list()).length, catalogue.size + 1);
      await assert.rejects(types.create(input), { code: 'PCP_ENTITY_EXISTS', class: 'conflict' });
      await assert.rejects(types.create({ ...input, type: 'material' }), { code: 'PCP_ENTITY_EXISTS' });
      await assert.rejects(types.get('nothing'), { code: 'PCP_NOT_FOUND' });
    });

    it('widens with records in place, and refuses to narrow', async () => {
      await types.create(input);
      await records.create('tool', { code: 'T1', weight: '1.5', state: 'a' });
      const wider = schema({
        code: { type: 'string', maxLength: 40 },
        state: { type: 'string', enum: ['a', 'b', 'c'] },
        maker: { type: 'string' },
        bought: { type: 'string', format: 'date' },
      });
      await types.update('tool', { ...input, schema: wider });
      const record = await records.get('tool', ['T1', '']);
      assert.equal(record.weight, '1.5');
      assert.equal(record.maker, null);
      await records.create('tool', { code: 'T2', state: 'c', maker: 'M', bought: '2026-01-31' });
      const without = schema();
      delete without.properties!.weight;
      const narrower: [JsonSchema, string][] = [
        [without, 'removed'],
        [schema({ weight: { type: 'string' } }), 'type'],
        [schema({ weight: { type: 'integer' } }), 'type'],
        [schema({ state: { type: 'string', enum: ['a'] } }), 'value'],
        [schema({ code: { type: 'string', maxLength: 10 } }), 'shorter'],
        [schema({}, ['weight']), 'required'],
      ];
      await types.create({ ...input, type: 'other' });
      for (const [changed, why] of narrower) {
        await assert.rejects(
          types.update('other', { ...input, type: 'other', schema: changed }),
          (error: Error & { code: string }) => error.code === 'PCP_ENTITY_NARROWED' && error.message.includes(why),
          why,
        );
      }
      await assert.rejects(types.update('other', { ...input, type: 'other', key: ['line', 'code'] }), { path: '/key' });
    });

    it('refuses what it could not keep', async () => {
      const bad: [Partial<typeof input>, string][] = [
        [{ type: 'Tool' }, '/type'],
        [{ type: 'a; DROP TABLE x' }, '/type'],
        [{ title: ' ' }, '/title'],
        [{ key: [] }, '/key'],
        [{ key: ['nothing'] }, '/key/0'],
        [{ key: ['weight'] }, '/key/0'],
        [{ schema: schema({ _hash: { type: 'string' } }) }, '/schema/properties/_hash'],
        [{ schema: schema({ a: { type: 'string', pattern: '(a+)+$' } }) }, '/schema/properties/a/pattern'],
        [{ schema: schema({ a: { $ref: '#' } }) }, '/schema/properties/a/$ref'],
        [{ schema: schema({ a: { type: ['string', 'integer'] } }) }, '/schema/properties/a/type'],
        [{ schema: schema({ a: { type: 'string', default: 'x' } }) }, '/schema/properties/a/default'],
        [{ schema: { type: 'array' } }, '/schema/type'],
      ];
      for (const [change, path] of bad) {
        await assert.rejects(types.create({ ...input, ...change }), { code: 'PCP_ENTITY_INVALID', path }, path);
      }
      assert.equal((await types.list()).length, catalogue.size);
    });

    it('leaves the catalogue alone', async () => {
      await assert.rejects(types.update('material', input), { code: 'PCP_ENTITY_BUILT_IN', class: 'conflict' });
      await assert.rejects(types.delete('material', { cascade: true }), { code: 'PCP_ENTITY_BUILT_IN' });
    });

    it('takes a type away with its records, and a new one of its name starts empty', async () => {
      await types.create(input);
      await records.create('tool', { code: 'T1' });
      await assert.rejects(types.delete('tool', { cascade: false }), {
        code: 'PCP_ENTITY_NOT_EMPTY',
        class: 'conflict',
      });
      assert.equal((await records.list('tool', {})).total, 1);
      await types.delete('tool', { cascade: true });
      await assert.rejects(types.get('tool'), { code: 'PCP_NOT_FOUND' });
      await assert.rejects(records.list('tool', {}), { code: 'PCP_NOT_FOUND' });
      await types.create({ ...input, key: ['line', 'code'] });
      assert.equal((await records.list('tool', {})).total, 0);
      await records.create('tool', { code: 'T1' });
    });
  });
}
