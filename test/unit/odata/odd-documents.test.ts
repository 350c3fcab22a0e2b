import assert from 'node:assert/strict';
import { entityPath, hasKey, keyText } from '../../../lib/protocols/odata/address';
import { xmlText } from '../../../lib/protocols/odata/encoding';
import { readEntity } from '../../../lib/protocols/odata/entity';
import { parseMetadata } from '../../../lib/protocols/odata/metadata';
import type { ServiceModel } from '../../../lib/protocols/odata/model';
import { payloadOf } from '../../../lib/protocols/odata/payload';
import { queryText, requireConditions } from '../../../lib/protocols/odata/query';
import { schemaOf } from '../../../lib/protocols/odata/schema';
import { documentText, setOf } from './documents';

const OASIS = 'http://docs.oasis-open.org/odata/ns/edmx';
const v4 = (schemas: string, before = '', version = ' Version="4.0"') =>
  `<edmx:Edmx${version} xmlns:edmx="${OASIS}">${before}<edmx:DataServices>${schemas}</edmx:DataServices></edmx:Edmx>`;
const v2 = (schemas: string) => `<Edmx Version="1.0"><DataServices>${schemas}</DataServices></Edmx>`;
const schema = (content: string, attributes = 'Namespace="N"') => `<Schema ${attributes}>${content}</Schema>`;
const KEY = '<Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.Int32" Nullable="false"/>';
const container = (type: string, more = '') =>
  `<EntityContainer Name="C"><EntitySet Name="Es" EntityType="${type}">${more}</EntitySet></EntityContainer>`;
const read = (text: string) => parseMetadata(text, 'here');

describe('odata metadata of any making', () => {
  it('is in the encoding that its first bytes, its header or its declaration tell', () => {
    const content = schema(`<EntityType Name="Peça">${KEY}</EntityType>${container('N.Peça')}`);
    const text = `<?xml version="1.0" encoding="utf-16"?>${v4(content)}`;
    const little = Buffer.from(text, 'utf16le');
    const forms: [Uint8Array, string][] = [
      [Buffer.concat([Buffer.from([0xff, 0xfe]), little]), 'application/xml'],
      [little, 'application/xml; charset=utf-16'],
      [Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(little).swap16()]), 'application/xml;charset=utf-8'],
      [Buffer.from(little).swap16(), ''],
      [Buffer.from(`\ufeff${text}`), ''],
      // Written as a text before it was encoded: both say what cannot be.
      [Buffer.from(text), ''],
      [Buffer.from(text), 'application/xml; charset=utf-16'],
      [Buffer.from(text.replace('utf-16', 'iso-8859-1'), 'latin1'), 'text/xml'],
    ];
    for (const [bytes, type] of forms) {
      assert.equal(setOf(read(xmlText(bytes, type, 'here')), 'Es').type.name, 'N.Peça', `${type} ${bytes[0]}`);
    }
    const wrong = Buffer.from([0x3c, 0xff]);
    assert.throws(() => xmlText(wrong, 'text/xml; charset=utf-8', 'here'), { code: 'PCP_HTTP_CHARSET' });
  });

  it('is of version 4 by its namespace, whatever its version says', () => {
    const content = schema(`<EntityType Name="E">${KEY}</EntityType>${container('N.E')}`);
    assert.equal(read(v4(content, '', '')).version, 4);
    const inside = content.replace('<Schema', '<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm"');
    assert.equal(read(`<Edmx><DataServices>${inside}</DataServices></Edmx>`).version, 4);
    // Annotations of version 4 stand in documents of version 2, too.
    const annotations = '<Annotations xmlns="http://docs.oasis-open.org/odata/ns/edm" Target="N.E"/>';
    assert.equal(read(v2(content.replace('</Schema>', `${annotations}</Schema>`))).version, 2);
    const apart = schema('', 'xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="Notes"');
    assert.equal(read(v2(content + apart)).version, 2);
  });

  it('takes parts of a key from complex values, under the name that they have in addresses', () => {
    const model = read(
      v4(
        schema(
          `<ComplexType Name="Ref"><Property Name="Code" Type="Edm.String"/><Property Name="No" Type="Edm.Int64"/></ComplexType>
           <EntityType Name="E"><Key><PropertyRef Name="Ref/Code" Alias="code"/><PropertyRef Name="Ref/No" Alias="no"/></Key>
           <Property Name="Ref" Type="N.Ref" Nullable="false"/></EntityType>${container('N.E')}`,
        ),
      ),
    );
    const es = setOf(model, 'Es');
    const data = { Ref: { Code: "a'b", No: '5' } };
    assert.equal(entityPath(es, data, model), "Es(code='a''b',no=5)");
    assert.equal(keyText(es, data), keyText(es, { Ref: { No: '5', Code: "a'b" } }));
    assert.notEqual(keyText(es, data), keyText(es, { Ref: { No: '6', Code: "a'b" } }));
    assert.deepEqual(schemaOf(es, model).required, ['Ref']);
    assert.throws(() => entityPath(es, { Ref: { Code: 'a' } }, model), { path: 'Ref/No' });
    const gone = readEntity({ '@removed': {}, '@id': "Es(code='a',no=7)" }, es.type, model);
    assert.deepEqual(gone.data, { Ref: { Code: 'a', No: 7 } });
  });

  it('resolves the aliases of included namespaces and of "Using"', () => {
    const model = read(
      v4(
        schema(`<EntityType Name="Base" Abstract="true">${KEY}</EntityType>`, 'Namespace="Far.Away"') +
          schema(
            `<EntityType Name="E" BaseType="F.Base"><Property Name="List" Type="Collection(F.Thing)"/></EntityType>${container('N.E')}`,
          ),
        '<edmx:Reference Uri="x"><edmx:Include Namespace="Far.Away" Alias="F"/></edmx:Reference>',
      ),
    );
    const { type } = setOf(model, 'Es');
    assert.deepEqual([type.base, type.key], ['Far.Away.Base', ['Id']]);
    assert.equal(type.properties.get('List')?.type, 'Far.Away.Thing');
    const used = schema(`<EntityType Name="T">${KEY}</EntityType>`, 'Namespace="A.B"');
    const using = v2(used + schema(`<Using Namespace="A.B" Alias="M"/>${container('M.T')}`));
    assert.deepEqual(setOf(read(using), 'Es').type.key, ['Id']);
  });

  it('finds types that are named without a namespace, or with an alias that it does not declare', () => {
    const content = `<EntityType Name="E" BaseType="Base"><Property Name="Kind" Type="Kind"/><Property Name="No" Type="Int32"/>
      <NavigationProperty Name="All" Type="Collection(Self.E)"/></EntityType><EnumType Name="Kind"><Member Name="A"/></EnumType>
      <EntityType Name="Base" Abstract="true">${KEY}</EntityType>${container('Self.E')}`;
    const { type } = setOf(read(v4(schema(content, 'Namespace="N.M"'))), 'Es');
    assert.deepEqual([type.name, type.key, type.navigations.get('All')?.target], ['N.M.E', ['Id'], 'N.M.E']);
    const types = ['Kind', 'No'].map((name) => type.properties.get(name)?.type);
    assert.deepEqual(types, ['N.M.Kind', 'Edm.Int32']);
  });

  it('has entities without a key: they have no address, and are looked for by their fields', () => {
    const model = read(
      v4(
        schema(
          `<EntityType Name="E"><Property Name="Text" Type="Edm.String"/><Property Name="Any" Type="Edm.Untyped"/></EntityType>
           <EntityContainer Name="C"><EntitySet Name="Es" EntityType="N.E" /><Singleton Name="One" Type="N.E"/></EntityContainer>`,
        ),
      ),
    );
    const [es, one] = [setOf(model, 'Es'), setOf(model, 'One')];
    assert.deepEqual([hasKey(es, { Text: 'a' }), hasKey(one, {})], [false, true]);
    assert.throws(() => entityPath(es, { Text: 'a' }, model), { code: 'PCP_ODATA_KEY' });
    assert.equal(entityPath(one, {}, model), 'One');
    assert.deepEqual(schemaOf(es, model).properties?.Any, { 'x-edm-type': 'Edm.Untyped' });
  });

  it('has entities that are files: their fields can be changed, but nothing is made of fields alone', () => {
    const types = `<EntityType Name="File" HasStream="true">${KEY}</EntityType><EntityType Name="Picture" BaseType="N.File"/>`;
    const es = setOf(read(v4(schema(types + container('N.Picture')))), 'Es');
    assert.deepEqual([es.creatable, es.updatable], [false, true]);
    const json = {
      $Version: '4.0',
      N: { F: { $Kind: 'EntityType', $HasStream: true }, C: { $Kind: 'EntityContainer' } },
    };
    Object.assign(json.N.C, { Fs: { $Collection: true, $Type: 'N.F' } });
    assert.equal(setOf(read(JSON.stringify(json)), 'Fs').creatable, false);
  });

  it('reads the key of what is gone from its address, whatever its types are', () => {
    const values: [string, string, unknown][] = [
      ['Edm.Guid', '0F8FAD5B-d9cb-469f-a165-70867728950d', '0f8fad5b-d9cb-469f-a165-70867728950d'],
      ['Edm.Guid', "guid'0f8fad5b-d9cb-469f-a165-70867728950e'", '0f8fad5b-d9cb-469f-a165-70867728950e'],
      ['Edm.Int64', '9007199254740993L', '9007199254740993'],
      ['Edm.Decimal', '1.5M', '1.5'],
      ['Edm.DateTime', "datetime'2026-11-27T06:00:00'", '2026-11-27T06:00:00'],
      ['Edm.Time', "time'PT6H30M'", '06:30:00'],
      ['Edm.Duration', "duration'PT1H'", 'PT1H'],
      ['Edm.Binary', "X'FBFF'", '+/8='],
      ['Edm.Binary', "binary'-_8'", '+/8'],
      ['Edm.Date', '2026-11-27', '2026-11-27'],
      ['Edm.String', "'a''b,c=d'", "a'b,c=d"],
      ['N.Kind', "N.Kind'A'", 'A'],
    ];
    for (const [type, literal, value] of values) {
      const model = read(
        v4(
          schema(`<EnumType Name="Kind"><Member Name="A"/></EnumType><EntityType Name="E"><Key><PropertyRef Name="Ordem"/>
            <PropertyRef Name="Peça"/></Key><Property Name="Ordem" Type="Edm.Int32"/><Property Name="Peça" Type="${type}"/></EntityType>
            ${container('N.E')}`),
        ),
      );
      const gone = readEntity({ '@removed': {}, '@id': `Es(Peça=${literal},Ordem=7)` }, setOf(model, 'Es').type, model);
      assert.deepEqual(gone.data, { Ordem: 7, Peça: value }, literal);
    }
  });

  it('finds the end of an association without a role by its type, and keeps all overloads of a function import', () => {
    const model = read(
      v2(
        schema(
          `<EntityType Name="Order">${KEY}<NavigationProperty Name="Lines" Relationship="N.A" FromRole="Order" ToRole="Line"/></EntityType>
           <EntityType Name="Line">${KEY}</EntityType>
           <Association Name="A"><End Type="N.Order" Multiplicity="1"/><End Type="N.Line" Multiplicity="*"/></Association>
           <EntityContainer Name="C"><EntitySet Name="Es" EntityType="N.Order"/>
           <FunctionImport Name="Find" ReturnType="Collection(N.Order)"><Parameter Name="plant" Type="Edm.String"/></FunctionImport>
           <FunctionImport Name="Find" ReturnType="N.Order"><Parameter Name="number" Type="Edm.Int32"/></FunctionImport></EntityContainer>
           <EntityContainer Name="D"><FunctionImport Name="Find"/></EntityContainer>`,
        ),
      ),
    );
    const lines = setOf(model, 'Es').type.navigations.get('Lines');
    assert.deepEqual([lines?.target, lines?.isCollection], ['N.Line', true]);
    assert.deepEqual(
      model.operations.get('Find')?.map(({ parameters }) => parameters.map(({ name }) => name)),
      [['plant'], ['number']],
    );
  });

  it('inherits over any number of types in two schemas, and extends containers', () => {
    const depth = 20_000;
    const types = { A: '', B: '' };
    for (let n = 0; n < depth; n++) {
      const isLast = n === depth - 1;
      const [own, other] = n % 2 === 0 ? (['A', 'B'] as const) : (['B', 'A'] as const);
      types[own] +=
        `<EntityType Name="T${n}"${isLast ? '' : ` BaseType="${other}.T${n + 1}"`}>${isLast ? KEY : ''}</EntityType>`;
    }
    const containers = `<EntityContainer Name="Own" Extends="N.C"/>${container('A.T0')}`;
    const model = read(v4(schema(types.A, 'Namespace="A"') + schema(types.B, 'Namespace="B"') + schema(containers)));
    assert.deepEqual(setOf(model, 'Es').type.key, ['Id']);
  });

  describe('that says what a service lets do', () => {
    const term = (name: string, content: string) => `<Annotation Term="Cap.${name}">${content}</Annotation>`;
    const is = (property: string, value: boolean) => `<PropertyValue Property="${property}" Bool="${value}"/>`;
    const paths = (property: string, name: string) =>
      `<PropertyValue Property="${property}"><Collection><PropertyPath>${name}</PropertyPath></Collection></PropertyValue>`;
    const filter = `${is('RequiresFilter', true)}${paths('RequiredProperties', 'Plant')}${paths('NonFilterableProperties', 'Text')}`;
    const all = [
      '<Annotation Term="Cap.InsertRestrictions" Qualifier="Phone"><Record/></Annotation>',
      term('InsertRestrictions', `<Record>${is('Insertable', false)}</Record>`),
      term('UpdateRestrictions', `<Record>${is('Updatable', true)}${paths('NonUpdatableProperties', 'Code')}</Record>`),
      term(
        'DeleteRestrictions',
        '<Record><PropertyValue Property="Deletable"><Bool>false</Bool></PropertyValue></Record>',
      ),
      term('FilterRestrictions', `<Record>${filter}</Record>`),
      term('SortRestrictions', `<Record>${paths('NonSortableProperties', 'Id')}</Record>`),
      term('CountRestrictions', `<Record>${is('Countable', false)}</Record>`),
      '<Annotation Term="Cap.TopSupported" Bool="false"/>',
    ].join('');
    const types = `<EntityType Name="E">${KEY}<Property Name="Code" Type="Edm.String"/><Property Name="Plant" Type="Edm.String"/>
      <Property Name="Text" Type="Edm.String"/>
      <Property Name="Stamp" Type="Edm.Int32"><Annotation Term="Org.OData.Core.V1.Computed"/></Property></EntityType>
      <Annotations Target="Me.E/Code"><Annotation Term="Org.OData.Core.V1.Immutable" Bool="true"/></Annotations>`;
    const document = (content: string) =>
      v4(
        schema(types + content, 'Namespace="N.M" Alias="Me"'),
        '<edmx:Reference Uri="x"><edmx:Include Namespace="Org.OData.Capabilities.V1" Alias="Cap"/></edmx:Reference>',
      );
    const documents = {
      'at the set': document(container('Me.E', all)),
      'apart from it': document(`${container('Me.E')}<Annotations Target="Me.C/Es">${all}</Annotations>`),
    };

    for (const [where, text] of Object.entries(documents)) {
      it(`reads it ${where}`, () => {
        const es = setOf(read(text), 'Es');
        assert.deepEqual(
          [es.creatable, es.updatable, es.deletable, es.addressable, es.pageable, es.countable, es.requiresFilter],
          [false, true, false, true, false, false, true],
        );
        assert.deepEqual(es.requiredInFilter, ['Plant']);
        const { properties } = es.type;
        assert.deepEqual([properties.get('Text')?.filterable, properties.get('Code')?.filterable], [false, true]);
        assert.deepEqual([properties.get('Id')?.sortable, properties.get('Code')?.updatable], [false, false]);
        assert.deepEqual([properties.get('Stamp')?.creatable, properties.get('Plant')?.updatable], [false, true]);
      });
    }

    it('asks for no list without the conditions that it needs, by the annotations of SAP, too', () => {
      const es = setOf(read(documents['at the set']), 'Es');
      const on = (field: string) => ({ conditions: [{ field, operator: 'eq' as const, value: '1' }] });
      assert.throws(() => requireConditions({}, es), { code: 'PCP_ODATA_FILTER_REQUIRED' });
      assert.throws(() => requireConditions(on('Code'), es), /for Plant/);
      requireConditions(on('Plant'), es);
      requireConditions({ filter: "Plant eq '1'" }, es);
      const product = documentText('product');
      const whole = product.replace(
        '<EntitySet Name="A_Product"',
        '<EntitySet sap:requires-filter="true" Name="A_Product"',
      );
      assert.notEqual(whole, product);
      const products = setOf(read(whole), 'A_Product');
      assert.throws(() => requireConditions({}, products), { code: 'PCP_ODATA_FILTER_REQUIRED' });
      requireConditions(on('Product'), products);
      const field = product.replace(
        /<Property (?=[^>]*Name="ProductType")/,
        '<Property sap:required-in-filter="true" ',
      );
      assert.throws(() => requireConditions(on('Product'), setOf(read(field), 'A_Product')), /for ProductType/);
    });
  });

  describe('with types that extend the one of a set', () => {
    const model: ServiceModel = read(documentText('plant'));
    const machines = setOf(model, 'Machines');

    it('describes, selects and compares their fields', () => {
      const { properties = {} } = schemaOf(machines, model);
      assert.equal(properties.Force?.['x-edm-type'], 'Edm.Double');
      assert.deepEqual(properties['@odata.type'], { type: 'string' });
      const query = {
        select: ['Id', 'Force', '@odata.type'],
        conditions: [{ field: 'Force', operator: 'ge' as const, value: 1.5 }],
        orderBy: ['Force desc'],
      };
      assert.equal(
        decodeURIComponent(queryText(query, machines, model)),
        '?$filter=Plant.Entities.Press/Force ge 1.5&$select=Id,Plant.Entities.Press/Force&$orderby=Plant.Entities.Press/Force desc',
      );
    });

    it('expands what only they lead to', () => {
      const to = '<NavigationProperty Name="Tools" Type="Collection(Self.Machine)"/>';
      const led = read(documentText('plant').replace(/(<EntityType Name="Press"[^>]*>)/, `$1${to}`));
      assert.equal(schemaOf(setOf(led, 'Machines'), led).properties?.Tools?.['x-expand'], true);
      const query = { expand: ['Tools', 'Tools/Stops'] };
      assert.equal(
        decodeURIComponent(queryText(query, setOf(led, 'Machines'), led)),
        '?$expand=Plant.Entities.Press/Tools($expand=Stops)',
      );
    });

    it('reads and writes entities of them as what they are', () => {
      const json = { '@odata.type': '#Plant.Entities.Press', Company: 'A', Id: '1', Force: 1.5 };
      const { data } = readEntity(json, machines.type, model);
      assert.deepEqual(data, { ...json, Id: 1 });
      assert.deepEqual(JSON.parse(payloadOf(data, machines.type, model).body), data);
      // A type that is none of these says nothing about its fields.
      const foreign = readEntity({ '@odata.type': '#Plant.Entities.Order', Rate: 1 }, machines.type, model);
      assert.deepEqual(foreign.data, { Rate: '1' });
      const old = { ...model, version: 2 as const };
      assert.deepEqual(JSON.parse(payloadOf({ '@odata.type': '#Plant.Entities.Press' }, machines.type, old).body), {
        __metadata: { type: 'Plant.Entities.Press' },
      });
    });
  });
});
