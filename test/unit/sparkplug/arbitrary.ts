import fc from 'fast-check';
import type { Metric, Payload, PropertySet } from '../../../lib/protocols/sparkplug/codec/payload';
import { type Uint64, uint64 } from '../../../lib/protocols/sparkplug/codec/wire-reader';

const word = fc.nat({ max: 0xffff_ffff });
const long: fc.Arbitrary<Uint64> = fc.oneof(
  fc.maxSafeNat(),
  fc.tuple(word, word).map(([high, low]) => uint64(high, low)),
);
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const float = fc.float({ noNaN: true });
const double = fc.double({ noNaN: true });
const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array));
const dataType = fc.integer({ min: 0, max: 34 });

const scalar = (name: string, value: fc.Arbitrary<unknown>) => value.map((item) => ({ [name]: item }));
const scalars: fc.Arbitrary<object>[] = [
  scalar('int_value', word),
  scalar('long_value', long),
  scalar('float_value', float),
  scalar('double_value', double),
  scalar('boolean_value', fc.boolean()),
  scalar('string_value', text),
];

/** Repeated fields are absent rather than empty, as on the wire. */
const list = <T>(item: fc.Arbitrary<T>) => fc.array(item, { minLength: 1, maxLength: 4 });
const withValue = <T extends object>(fields: fc.Arbitrary<T>, values: fc.Arbitrary<object>[]) =>
  fc.tuple(fields, fc.oneof(...values)).map(([rest, value]) => ({ ...rest, ...value }));

/** Payloads with every field of the specification, as `decodePayload` gives them. */
export const payloads: fc.Arbitrary<Payload> = fc.letrec<{
  payload: Payload;
  metric: Metric;
  template: object;
  properties: PropertySet;
}>((tie) => ({
  payload: fc.record(
    { timestamp: long, metrics: list(tie('metric')), seq: fc.nat({ max: 255 }), uuid: text, body: bytes },
    { requiredKeys: [], noNullPrototype: true },
  ),
  metric: withValue(
    fc.record(
      {
        name: text,
        alias: long,
        timestamp: long,
        datatype: dataType,
        is_historical: fc.boolean(),
        is_transient: fc.boolean(),
        is_null: fc.boolean(),
        metadata: fc.record(
          {
            is_multi_part: fc.boolean(),
            content_type: text,
            size: long,
            seq: long,
            file_name: text,
            file_type: text,
            md5: text,
            description: text,
          },
          { requiredKeys: [], noNullPrototype: true },
        ),
        properties: tie('properties'),
      },
      { requiredKeys: [], noNullPrototype: true },
    ),
    [
      fc.constant({}),
      ...scalars,
      scalar('bytes_value', bytes),
      scalar(
        'dataset_value',
        fc.record(
          {
            num_of_columns: long,
            columns: list(text),
            types: list(dataType),
            rows: list(
              fc.record({ elements: list(fc.oneof(...scalars)) }, { requiredKeys: [], noNullPrototype: true }),
            ),
          },
          { requiredKeys: [], noNullPrototype: true },
        ),
      ),
      scalar('template_value', tie('template')),
    ],
  ),
  template: fc.record(
    {
      version: text,
      metrics: fc.array(tie('metric'), { minLength: 1, maxLength: 2, depthIdentifier: 'template' }),
      parameters: list(
        withValue(fc.record({ name: text, type: dataType }, { requiredKeys: [], noNullPrototype: true }), scalars),
      ),
      template_ref: text,
      is_definition: fc.boolean(),
    },
    { requiredKeys: [], noNullPrototype: true },
  ),
  properties: fc.record(
    {
      keys: list(text),
      values: list(
        withValue(fc.record({ type: dataType, is_null: fc.boolean() }, { requiredKeys: [], noNullPrototype: true }), [
          ...scalars,
          scalar('propertyset_value', tie('properties')),
        ]),
      ),
    },
    { requiredKeys: [], noNullPrototype: true },
  ),
})).payload;
