import assert from 'node:assert/strict';
import { IntegrationError } from '../../../lib/model/errors';
import { parseMetadata } from '../../../lib/protocols/odata/metadata';
import { schemaOf } from '../../../lib/protocols/odata/schema';
import { documentText, modelOf, setOf } from './documents';

describe('odata metadata', () => {
  it('reads the sets, keys, facets and annotations of an SAP Gateway service', () => {
    const model = modelOf('orders');
    assert.equal(model.version, 2);
    const set = setOf(model, 'A_ProductionOrder_2');
    assert.deepEqual([set.deletable, set.creatable, set.type.key], [false, true, ['ManufacturingOrder']]);
    const quantity = set.type.properties.get('TotalQuantity');
    assert.deepEqual([quantity?.type, quantity?.precision, quantity?.scale], ['Edm.Decimal', 13, 3]);
    assert.equal(set.type.properties.get('ManufacturingOrder')?.maxLength, 12);
    assert.equal(set.type.properties.get('MfgOrderPlannedStartDate')?.isDay, true);
    assert.equal(set.type.properties.get('LastChangeDateTime')?.isVersion, true);
    assert.deepEqual(set.type.navigations.get('to_ProductionOrderOperation'), {
      name: 'to_ProductionOrderOperation',
      target: 'API_PRODUCTION_ORDER_2_SRV.A_ProductionOrderOperation_2Type',
      isCollection: true,
      contains: false,
    });
    const [release] = model.operations.get('ReleaseOrder') ?? [];
    assert.deepEqual([release?.kind, release?.method], ['function', 'POST']);
    assert.deepEqual(
      release?.parameters.map(({ name }) => name),
      ['ManufacturingOrder'],
    );
  });

  it('reads the same from a document in JSON', () => {
    const [json, xml] = [modelOf('plantJson'), modelOf('plant')];
    assert.deepEqual([...json.types], [...xml.types]);
    assert.deepEqual([...json.entitySets], [...xml.entitySets]);
    assert.deepEqual([...json.operations], [...xml.operations]);
    assert.deepEqual([...json.enums], [...xml.enums]);
    assert.equal(json.version, 4);
  });

  it('follows the annotations of a document in JSON, in a set or apart from it', () => {
    const capabilities = '@Org.OData.Capabilities.V1';
    const set = { $Collection: true, $Type: 'N.T', [`${capabilities}.InsertRestrictions`]: { Insertable: false } };
    const text = JSON.stringify({
      $Version: '4.01',
      N: {
        T: {
          $Kind: 'EntityType',
          $Key: [{ Zone: 'Place/Zone' }],
          Place: { $Type: 'N.P' },
          Made: { '@Org.OData.Core.V1.Computed': true },
        },
        P: { $Kind: 'ComplexType', Zone: {} },
        C: { $Kind: 'EntityContainer', Things: set },
        $Annotations: {
          'N.C/Things': { [`${capabilities}.FilterRestrictions`]: { NonFilterableProperties: ['Made'] } },
        },
      },
    });
    const things = setOf(parseMetadata(text), 'Things');
    assert.deepEqual([things.creatable, things.updatable], [false, true]);
    assert.deepEqual([things.type.key, things.type.keyAliases.get('Place/Zone')], [['Place/Zone'], 'Zone']);
    const made = things.type.properties.get('Made');
    assert.deepEqual([made?.creatable, made?.filterable, made?.nullable], [false, false, false]);
  });

  it('resolves aliases, type definitions, inheritance and overloads of version 4', () => {
    const model = modelOf('plant');
    assert.equal(model.version, 4);
    const { type } = setOf(model, 'Machines');
    assert.deepEqual([type.base, type.key, type.isOpen], ['Plant.Entities.Resource', ['Company', 'Id'], true]);
    const rate = type.properties.get('Rate');
    assert.deepEqual([rate?.type, rate?.precision, rate?.scale], ['Edm.Decimal', 20, 6]);
    assert.equal(type.properties.get('Shifts')?.type, 'Plant.Entities.Shifts');
    assert.equal(model.enums.get('Plant.Entities.Shifts')?.isFlags, true);
    assert.equal(type.properties.get('Tags')?.isCollection, true);
    assert.equal(type.navigations.get('Stops')?.contains, true);
    assert.equal(model.types.get('Plant.Entities.Press')?.properties.has('Guid'), true);
    assert.equal(setOf(model, 'Me').isSingleton, true);
    assert.equal(setOf(model, 'Orders').type.properties.get('Amount')?.scale, 'variable');
    assert.deepEqual(
      model.operations.get('Nearest')?.map(({ parameters }) => parameters.length),
      [1, 2],
    );
    const [release] = model.operations.get('Plant.Entities.Release') ?? [];
    assert.deepEqual(release?.boundTo, { type: 'Plant.Entities.Order', isCollection: false });
    assert.deepEqual(
      release?.parameters.map(({ name }) => name),
      ['Amount', 'Note'],
    );
    assert.equal(model.operations.get('Recalculate')?.[0]?.method, 'POST');
  });

  it('reads version 3, its model and container in two namespaces; the default container wins', () => {
    const model = modelOf('trade');
    assert.equal(model.version, 2);
    assert.equal(setOf(model, 'Categories').type.name, 'TradeModel.Category');
    const { properties, navigations } = setOf(model, 'Categories').type;
    assert.equal(properties.get('CategoryName')?.type, 'Edm.String');
    assert.equal(properties.get('Picture')?.maxLength, undefined);
    assert.equal(navigations.get('Articles')?.isCollection, true);
    assert.equal(setOf(model, 'Articles').type.navigations.get('Category')?.isCollection, false);
    assert.deepEqual(model.operations.get('Discount')?.[0]?.returns, {
      type: 'TradeModel.Article',
      isCollection: true,
    });
  });

  it('describes records as JSON Schema', () => {
    const model = modelOf('orders');
    const { properties = {}, required } = schemaOf(setOf(model, 'A_ProductionOrder_2'), model);
    assert.deepEqual(required, ['ManufacturingOrder']);
    assert.deepEqual(properties.TotalQuantity, {
      type: ['string', 'null'],
      format: 'decimal',
      'x-edm-type': 'Edm.Decimal',
    });
    assert.equal(properties.ManufacturingOrder?.title, 'Order');
    assert.equal(properties.MfgOrderPlannedStartDate?.format, 'date');
    assert.equal(properties.to_ProductionOrderComponent?.items?.properties?.RequiredQuantity?.format, 'decimal');
    const plant = modelOf('plant');
    const machine = schemaOf(setOf(plant, 'Machines'), plant).properties ?? {};
    assert.deepEqual(machine.Blocked?.enum, ['No', 'Yes']);
    assert.equal(machine.Place?.properties?.Site?.['x-edm-type'], 'Edm.String');
  });

  it('bears types that extend themselves, refer elsewhere or hold themselves', () => {
    const schema = (content: string) =>
      `<Edmx Version="4.0"><DataServices><Schema Namespace="N">${content}</Schema></DataServices></Edmx>`;
    const model = parseMetadata(
      schema(
        `<EntityType Name="A" BaseType="N.B"/><EntityType Name="B" BaseType="N.A"/>
         <ComplexType Name="Tree"><Property Name="Below" Type="Collection(N.Tree)"/></ComplexType>
         <EntityType Name="C"><Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.Int32"/><Property Name="Tree" Type="N.Tree"/></EntityType>
         <EntityContainer Name="X"><EntitySet Name="As" EntityType="N.A"/><EntitySet Name="Cs" EntityType="N.C"/>
         <EntitySet Name="Far" EntityType="Elsewhere.Thing"/></EntityContainer>`,
      ),
    );
    assert.deepEqual([...model.entitySets.keys()], ['As', 'Cs', 'Far']);
    assert.equal(setOf(model, 'Far').type.isOpen, true);
    assert.ok(schemaOf(setOf(model, 'Cs'), model).properties?.Tree);
  });

  it('refuses what is no such document, in words that say so', () => {
    const whole = documentText('product');
    const refused: Record<string, RegExp> = {
      '<html><body>Sign in</body></html>': /root is <html>/,
      [whole.slice(0, 900)]: /well-formed/,
      '': /root is <>|well-formed/,
      [`<!DOCTYPE x [<!ENTITY a "b">]>${whole.replace(/<\?xml.*\?>/, '')}`]: /DOCTYPE/,
      '<Edmx Version="4.0"><DataServices/></Edmx>': /no Schema/,
    };
    for (const [text, words] of Object.entries(refused)) {
      assert.throws(
        () => parseMetadata(text, '/service/$metadata'),
        (thrown: unknown) => {
          const error = IntegrationError.from(thrown);
          assert.equal(error.code, 'PCP_ODATA_METADATA', error.message);
          assert.match(error.message, words);
          return true;
        },
      );
    }
  });

  it('bears empty lines before the document, foreign attributes, and booleans as numbers', () => {
    const model = parseMetadata(
      `\ufeff\n\n<?xml version="1.0"?>
      <edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" xmlns:x="urn:x">
        <edmx:DataServices><Schema Namespace="N" xmlns="http://docs.oasis-open.org/odata/ns/edm">
          <EntityType Name="E" OpenType="1"><Key><PropertyRef Name="Id"/></Key>
            <Property Name="Id" Type="Edm.Int32" x:Type="other" x:Name="other" Nullable="0"/></EntityType>
          <EntityContainer Name="C"><EntitySet Name="Es" EntityType="N.E"/></EntityContainer>
        </Schema></edmx:DataServices></edmx:Edmx>`,
      'here',
    );
    const { type } = setOf(model, 'Es');
    const id = type.properties.get('Id');
    assert.deepEqual([type.isOpen, id?.type, id?.nullable], [true, 'Edm.Int32', false]);
  });
});
