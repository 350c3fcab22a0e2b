import assert from 'node:assert/strict';
import { IntegrationError } from '../../../lib/model/errors';
import { parseExactJson } from '../../../lib/model/exact-json';
import { entityPath } from '../../../lib/protocols/odata/address';
import { readEntity } from '../../../lib/protocols/odata/entity';
import { parseMetadata } from '../../../lib/protocols/odata/metadata';
import type { ODataVersion } from '../../../lib/protocols/odata/model';
import { payloadOf } from '../../../lib/protocols/odata/payload';
import { queryText } from '../../../lib/protocols/odata/query';
import {
  canBeLiteral,
  literalOf,
  readValue,
  ValueProblem,
  type ValueType,
  writeValue,
} from '../../../lib/protocols/odata/values';
import { modelOf, setOf } from './documents';

const of = (type: string, facets: Partial<ValueType> = {}): ValueType => ({ type, isDay: false, ...facets });

/** Type, version, as it is in JSON, as a record holds it, as a literal. */
const VALUES: [string, ODataVersion, unknown, unknown, string][] = [
  ['Edm.String', 2, "O'Neil", "O'Neil", "'O''Neil'"],
  [
    'Edm.Decimal',
    2,
    '12345678901234567.12345678901234',
    '12345678901234567.12345678901234',
    '12345678901234567.12345678901234M',
  ],
  ['Edm.Int64', 2, '9223372036854775807', '9223372036854775807', '9223372036854775807L'],
  ['Edm.Int64', 2, '42', 42, '42L'],
  ['Edm.Int32', 2, -7, -7, '-7'],
  ['Edm.Double', 2, 1.5, 1.5, '1.5d'],
  ['Edm.Boolean', 2, true, true, 'true'],
  ['Edm.DateTime', 2, '/Date(1764547200000)/', '2025-12-01T00:00:00', "datetime'2025-12-01T00:00:00'"],
  ['Edm.DateTime', 2, '/Date(-62135596799999)/', '0001-01-01T00:00:00.001', "datetime'0001-01-01T00:00:00.001'"],
  [
    'Edm.DateTimeOffset',
    2,
    '/Date(1764547200000+0000)/',
    '2025-12-01T00:00:00Z',
    "datetimeoffset'2025-12-01T00:00:00Z'",
  ],
  ['Edm.Time', 2, 'PT14H30M00S', '14:30:00', "time'PT14H30M00S'"],
  [
    'Edm.Guid',
    2,
    '0f8fad5b-d9cb-469f-a165-70867728950e',
    '0f8fad5b-d9cb-469f-a165-70867728950e',
    "guid'0f8fad5b-d9cb-469f-a165-70867728950e'",
  ],
  ['Edm.Binary', 2, '+/8=', '+/8=', "X'FBFF'"],
  [
    'Edm.Guid',
    4,
    '0f8fad5b-d9cb-469f-a165-70867728950e',
    '0f8fad5b-d9cb-469f-a165-70867728950e',
    '0f8fad5b-d9cb-469f-a165-70867728950e',
  ],
  ['Edm.Date', 4, '2026-11-27', '2026-11-27', '2026-11-27'],
  ['Edm.TimeOfDay', 4, '06:30:00', '06:30:00', '06:30:00'],
  ['Edm.DateTimeOffset', 4, '2026-11-27T06:00:00+01:00', '2026-11-27T06:00:00+01:00', '2026-11-27T06:00:00+01:00'],
  ['Edm.Duration', 4, 'PT1H30M', 'PT1H30M', "duration'PT1H30M'"],
  ['Edm.Binary', 4, '-_8', '+/8', "binary'-_8'"],
  ['Plant.YesNo', 4, 'Yes', 'Yes', "Plant.YesNo'Yes'"],
];

describe('odata values', () => {
  for (const [type, version, json, value, literal] of VALUES) {
    it(`${type} of version ${version}: ${JSON.stringify(json)}`, () => {
      assert.deepEqual(readValue(json, of(type)), value);
      assert.deepEqual(writeValue(value, of(type), { version, exactAsText: true }), json);
      assert.equal(literalOf(value, of(type), { version }), literal);
    });
  }

  it('reads a day, an offset in minutes, numbers with exponent and what older servers write', () => {
    assert.equal(readValue('/Date(1764547200000)/', of('Edm.DateTime', { isDay: true })), '2025-12-01');
    assert.equal(readValue('/Date(1764547200000+0060)/', of('Edm.DateTimeOffset')), '2025-12-01T00:00:00Z');
    assert.equal(readValue('2025-12-01T00:00:00', of('Edm.DateTime')), '2025-12-01T00:00:00');
    assert.equal(readValue(1e-7, of('Edm.Decimal')), '0.0000001');
    assert.equal(readValue('1.5E+00', of('Edm.Double')), 1.5);
    assert.equal(readValue('true', of('Edm.Boolean')), true);
    assert.equal(readValue(null, of('Edm.Decimal')), null);
  });

  it('bears what is no number, unknown types, and exponents that would fill the memory', () => {
    for (const version of [2, 4] as const) {
      for (const name of ['INF', '-INF', 'NaN']) {
        assert.equal(literalOf(name, of('Edm.Double'), { version }), name);
        assert.equal(writeValue(Number(name.replace('INF', 'Infinity')), of('Edm.Single'), { version }), name);
        assert.equal(readValue(name, of('Edm.Double')), name);
      }
    }
    for (const huge of ['1e999999999', '-1E-999999999', '1e99999999999999999999']) {
      assert.equal(readValue(huge, of('Edm.Decimal')), huge);
      for (const type of ['Edm.Decimal', 'Edm.Int64']) {
        assert.throws(() => literalOf(huge, of(type), { version: 4 }), ValueProblem);
      }
    }
    assert.equal(readValue('1e30', of('Edm.Decimal')), `1${'0'.repeat(30)}`);
    assert.deepEqual(readValue({ a: [1] }, of('Edm.Untyped')), { a: [1] });
    assert.equal(literalOf(5, of('Edm.PrimitiveType'), { version: 4 }), '5');
    assert.equal(literalOf('5', of('Edm.PrimitiveType'), { version: 4 }), "'5'");
    assert.equal(literalOf('x', of('Edm.OfTomorrow'), { version: 4 }), "'x'");
    assert.deepEqual(writeValue({ a: 1 }, of('Elsewhere.Thing'), { version: 4 }), { a: 1 });
  });

  it('refuses what the property cannot hold before anything is sent', () => {
    const yesNo = { name: 'Plant.YesNo', members: ['No', 'Yes'], isFlags: false };
    const refused: [ValueType, unknown, RegExp][] = [
      [of('Edm.String', { maxLength: 4 }), '12345', /5 characters, 4 at most/],
      [of('Edm.Decimal', { precision: 5, scale: 2 }), '1234.5', /4 digits before the point, 3/],
      [of('Edm.Decimal', { precision: 5, scale: 2 }), '1.234', /3 decimals, 2/],
      [of('Edm.Decimal', { precision: 3, scale: 'variable' }), '12.34', /4 digits, 3/],
      [of('Edm.Int16'), 40_000, /from -32768 to 32767/],
      [of('Edm.Int32'), '1.5', /whole number/],
      [of('Edm.Double'), 'x', /number/],
      [of('Edm.Boolean'), 'X', /true or false/],
      [of('Edm.DateTime'), '2026-02-30T00:00:00', /time without a zone/],
      [of('Edm.DateTime'), '2026-02-01T00:00:00.0005', /to the millisecond/],
      [of('Edm.DateTimeOffset'), '2026-02-01T00:00:00', /offset/],
      [of('Edm.Time'), '25:00:00', /time of day/],
      [of('Edm.Guid'), '4711', /GUID/],
      [of('Edm.String'), { a: 1 }, /text/],
      [of('Edm.Binary', { maxLength: 2 }), 'AQID', /3 bytes, 2 at most/],
      [of('Plant.YesNo', { enumeration: yesNo }), 'Maybe', /one of No, Yes/],
      [of('Plant.YesNo', { enumeration: yesNo }), 'No,Yes', /one of No, Yes/],
      [of('Plant.YesNo', { enumeration: { ...yesNo, isFlags: true } }), 'Yes, Maybe', /made of No, Yes/],
    ];
    for (const [type, value, words] of refused) {
      assert.throws(
        () => writeValue(value, type, { version: 2 }),
        (thrown: unknown) => thrown instanceof ValueProblem && words.test(thrown.message),
        `${type.type} ${String(value)}`,
      );
    }
    assert.equal(writeValue('1.500', of('Edm.Decimal', { precision: 4, scale: 1 }), { version: 2 }), '1.500');
    assert.equal(writeValue(1, of('Plant.YesNo', { enumeration: yesNo }), { version: 4 }), '1');
    const flags = of('Plant.YesNo', { enumeration: { ...yesNo, isFlags: true } });
    assert.equal(literalOf('Yes, No', flags, { version: 4 }), "Plant.YesNo'Yes,No'");
    assert.equal(canBeLiteral('Maybe', flags, { version: 4 }), false);
    assert.equal(writeValue('😀😀😀😀', of('Edm.String', { maxLength: 4 }), { version: 2 }), '😀😀😀😀');
  });

  it('reads entities with their version, expanded lists, complex values and derived types', () => {
    const orders = modelOf('orders');
    const order = readEntity(
      {
        __metadata: {
          uri: 'https://erp/A(1)',
          etag: 'W/"1"',
          type: 'API_PRODUCTION_ORDER_2_SRV.A_ProductionOrder_2Type',
        },
        ManufacturingOrder: '000001000001',
        TotalQuantity: '56.000',
        MfgOrderPlannedStartDate: '/Date(1764547200000)/',
        to_ProductionOrderComponent: { results: [{ RequiredQuantity: '1.500' }] },
        to_ProductionOrderOperation: { __deferred: { uri: 'x' } },
      },
      setOf(orders, 'A_ProductionOrder_2').type,
      orders,
    );
    assert.deepEqual(order, {
      version: 'W/"1"',
      url: 'https://erp/A(1)',
      data: {
        ManufacturingOrder: '000001000001',
        TotalQuantity: '56.000',
        MfgOrderPlannedStartDate: '2025-12-01',
        to_ProductionOrderComponent: [{ RequiredQuantity: '1.500' }],
      },
    });
    const plant = modelOf('plant');
    const text =
      '{"@odata.type":"#Plant.Entities.Press","@odata.etag":"W/\\"2\\"","Force":"1.5","Rate":12345678901234.123456,' +
      '"Place":{"Site":"A"},"Place@odata.x":1,"Tags":["a"],"Extra":7}';
    const press = readEntity(parseExactJson(text) as Record<string, unknown>, setOf(plant, 'Machines').type, plant);
    assert.equal(press.version, 'W/"2"');
    assert.deepEqual(press.data, {
      '@odata.type': '#Plant.Entities.Press',
      Force: 1.5,
      Rate: '12345678901234.123456',
      Place: { Site: 'A' },
      Tags: ['a'],
      Extra: 7,
    });
  });

  it('writes long numbers as they are, in version 4 as texts that say so', () => {
    const plant = modelOf('plant');
    const { type } = setOf(plant, 'Machines');
    assert.deepEqual(payloadOf({ Rate: '1.5', Id: '7' }, type, plant), {
      body: '{"Rate":1.5,"Id":7}',
      contentType: 'application/json',
    });
    assert.deepEqual(payloadOf({ Rate: '12345678901234.123456', Id: '7' }, type, plant), {
      body: '{"Rate":"12345678901234.123456","Id":"7"}',
      contentType: 'application/json;IEEE754Compatible=true',
    });
    const long = { Tags: ['1234567890123456789'], Rate: '2' };
    assert.equal(payloadOf(long, type, plant).body, '{"Tags":["1234567890123456789"],"Rate":2}');
  });

  it('writes no stream, and does not want one', () => {
    const model = parseMetadata(
      `<Edmx Version="4.0"><DataServices><Schema Namespace="N"><EntityType Name="E"><Key><PropertyRef Name="Id"/></Key>
       <Property Name="Id" Type="Edm.Int32"/><Property Name="Logo" Type="Edm.Stream" Nullable="false"/></EntityType>
       <EntityContainer Name="C"><EntitySet Name="Es" EntityType="N.E"/></EntityContainer></Schema></DataServices></Edmx>`,
    );
    assert.equal(payloadOf({ Id: 1, Logo: null }, setOf(model, 'Es').type, model).body, '{"Id":1}');
  });

  it('names the field of a nested record that cannot be sent', () => {
    const orders = modelOf('orders');
    const { type } = setOf(orders, 'A_ProductionOrder_2');
    const failing = (data: Record<string, unknown>) => {
      try {
        payloadOf(data, type, orders);
      } catch (thrown) {
        const { code, path } = IntegrationError.from(thrown);
        return `${code} ${path}`;
      }
      return '';
    };
    assert.equal(
      failing({ to_ProductionOrderComponent: [{ Plant: '1000' }, { Plant: '10000' }] }),
      'PCP_ODATA_VALUE to_ProductionOrderComponent[1].Plant',
    );
    assert.equal(failing({ material: 'X' }), 'PCP_ODATA_FIELD_UNKNOWN material');
    assert.equal(failing({ ManufacturingOrder: null }), 'PCP_ODATA_VALUE ManufacturingOrder');
  });
});

describe('odata addresses and queries', () => {
  it('encodes keys: quotes, slashes, empty parts', () => {
    const product = modelOf('product');
    assert.equal(
      entityPath(setOf(product, 'A_Product'), { Product: "A/B 'ç'" }, product),
      "A_Product('A%2FB%20''%C3%A7''')",
    );
    assert.equal(
      entityPath(setOf(product, 'A_ProductDescription'), { Product: '', Language: 'EN' }, product),
      "A_ProductDescription(Product='',Language='EN')",
    );
    const plant = modelOf('plant');
    assert.equal(entityPath(setOf(plant, 'Machines'), { Company: 'A', Id: 5 }, plant), "Machines(Company='A',Id=5)");
    assert.equal(entityPath(setOf(plant, 'Me'), {}, plant), 'Me');
    assert.throws(() => entityPath(setOf(product, 'A_Product'), {}, product), {
      code: 'PCP_ODATA_KEY',
      path: 'Product',
    });
  });

  it('builds the query of each version', () => {
    const orders = modelOf('orders');
    const set = setOf(orders, 'A_ProductionOrder_2');
    const text = queryText(
      {
        conditions: [
          { field: 'TotalQuantity', operator: 'ge', value: '12.50' },
          { field: 'ProductionPlant', operator: 'in', value: ['1000', "2'0"] },
          { field: 'MfgOrderPlannedStartDate', operator: 'lt', value: '2026-11-23' },
          { field: 'Material', operator: 'contains', value: 'A+&%' },
        ],
        filter: "Batch eq '' or Batch eq 'B'",
        select: ['Material'],
        expand: ['to_ProductionOrderComponent'],
        orderBy: ['ManufacturingOrder'],
        top: 5,
        skip: 10,
        count: true,
        custom: { 'sap-client': '100' },
      },
      set,
      orders,
    );
    const expected =
      "?$filter=TotalQuantity ge 12.50M and (ProductionPlant eq '1000' or ProductionPlant eq '2''0') and " +
      "MfgOrderPlannedStartDate lt datetime'2026-11-23T00:00:00' and substringof('A+&%',Material) and " +
      "(Batch eq '' or Batch eq 'B')&$select=Material,to_ProductionOrderComponent&$expand=to_ProductionOrderComponent" +
      '&$orderby=ManufacturingOrder&$top=5&$skip=10&$inlinecount=allpages&sap-client=100';
    assert.equal(
      new URLSearchParams(text).get('$filter'),
      new URLSearchParams(expected.replace('A+&%', 'A%2B%26%25')).get('$filter'),
    );
    assert.equal(decodeURIComponent(text), expected);
    assert.ok(text.includes('A%2B%26%25'));
    const plant = modelOf('plant');
    const machines = queryText(
      {
        conditions: [
          { field: 'Blocked', operator: 'eq', value: 'Yes' },
          { field: 'Place/Site', operator: 'contains', value: 'A' },
        ],
        expand: ['Orders', 'Orders/Machine'],
        select: ['Id'],
        count: true,
      },
      setOf(plant, 'Machines'),
      plant,
    );
    assert.equal(
      decodeURIComponent(machines),
      "?$filter=Blocked eq Plant.Entities.YesNo'Yes' and contains(Place/Site,'A')&$select=Id&$expand=Orders($expand=Machine)&$count=true",
    );
    assert.throws(() => queryText({ conditions: [{ field: 'Nope', operator: 'eq', value: 1 }] }, set, orders), {
      code: 'PCP_ODATA_FIELD',
    });
  });
});
