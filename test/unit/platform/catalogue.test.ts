import assert from 'node:assert/strict';
import Ajv2020 from 'ajv/dist/2020';
import { formats } from '../../../lib/model/formats';
import { catalogue } from '../../../lib/platform/catalogue';
import { KEY_LENGTH, shapeOf } from '../../../lib/platform/shape';

const TYPES = [
  'plant',
  'work_center',
  'machine',
  'material',
  'bill_of_material',
  'routing',
  'production_order',
  'production_data',
  'stock',
  'goods_movement',
  'maintenance_order',
  'quality_inspection',
  'downtime',
  'measurement',
  'operator',
  'shift',
];

describe('catalogue', () => {
  it('holds the sixteen types', () => {
    assert.deepEqual([...catalogue.keys()], TYPES);
  });

  for (const type of catalogue.values()) {
    it(`${type.type}: a sound schema with key, units and labels in both languages`, () => {
      const ajv = new Ajv2020({
        strict: true,
        allowUnionTypes: true,
        formats,
        keywords: ['titles', 'x-key', 'x-isa95', 'x-unit', 'x-unit-field'],
      });
      ajv.compile(type.schema);
      const fields = type.schema.properties ?? {};
      assert.ok(type.isa95);
      assert.equal(type.schema.$id, `urn:pcp:entity:${type.type}`);
      assert.equal(type.schema.additionalProperties, false);
      assert.ok(type.key.length >= 1 && type.key.length <= 6);
      for (const name of type.key) {
        assert.ok(fields[name], name);
        const optional = fields[name].default !== undefined;
        assert.equal(type.schema.required?.includes(name), !optional, `${name}: required or with a default`);
      }
      for (const [name, field] of [['', type.schema] as const, ...Object.entries(fields)]) {
        const titles = field.titles as Record<string, string> | undefined;
        assert.ok(titles?.['en-US']?.trim() && titles['pt-BR']?.trim(), `${name}: labels`);
        assert.match(name, /^[a-z_0-9]*$/);
        const unit = field['x-unit-field'];
        if (unit !== undefined) assert.ok(fields[String(unit)], `${name}: unit in ${unit}`);
        if (field.enum !== undefined) assert.ok(field.enum.includes(null), `${name}: may stay empty`);
      }
      const shape = shapeOf(type);
      assert.equal(shape.key.length, type.key.length);
      for (const key of shape.key)
        if (key.type === 'key') assert.ok((key.maxLength ?? Infinity) <= KEY_LENGTH, key.name);
    });
  }
});
