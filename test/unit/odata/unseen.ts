/** Services that no one of ours has: what their documents say, what they send, and where each entity is. */
export interface UnseenService {
  what: string;
  document: string | Buffer;
  contentType?: string;
  version: 2 | 4;
  /** What the connector has to find: sets with their keys. */
  sets: Record<string, string[]>;
  /** Path of the list that is read, below the service. */
  place?: string;
  /** Name of the set that is read; the first one by default. */
  set?: string;
  /** As the service writes it, what it means, and its address below the service. */
  rows: { wire: Row; record: Row; address: string }[];
}

type Row = Record<string, unknown>;

const OASIS = 'http://docs.oasis-open.org/odata/ns/';
const v4 = (schemas: string) =>
  `<edmx:Edmx Version="4.0" xmlns:edmx="${OASIS}edmx"><edmx:DataServices>${schemas}</edmx:DataServices></edmx:Edmx>`;
const v2 = (schemas: string, version = '2.0') =>
  `<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx"><edmx:DataServices
   m:DataServiceVersion="${version}" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">${schemas}</edmx:DataServices></edmx:Edmx>`;
const key = (...names: string[]) => `<Key>${names.map((name) => `<PropertyRef Name="${name}"/>`).join('')}</Key>`;
const property = (name: string, type: string, more = '') => `<Property Name="${name}" Type="${type}" ${more}/>`;
const container = (...sets: string[]) => `<EntityContainer Name="C">${sets.join('')}</EntityContainer>`;
const set = (name: string, type: string) => `<EntitySet Name="${name}" EntityType="${type}"/>`;
const schema = (namespace: string, content: string, xmlns = '') =>
  `<Schema Namespace="${namespace}"${xmlns}>${content}</Schema>`;
const same = (data: Row, address: string) => ({ wire: data, record: data, address });

export const UNSEEN: UnseenService[] = [
  {
    what: 'two schemas with the same names, types without a namespace, and an alias that nothing declares',
    version: 4,
    document: v4(
      schema(
        'Plant.Orders',
        `<TypeDefinition Name="Quantity" UnderlyingType="Edm.Decimal" Precision="31" Scale="14"/>
         <EnumType Name="Kind"><Member Name="Firm"/><Member Name="Planned"/></EnumType>
         <EntityType Name="Item" BaseType="Plant.Base.Item">${property('Kind', 'Kind')}${property('Amount', 'Self.Quantity')}
         ${property('Amounts', 'Collection(Self.Quantity)')}</EntityType>${container(set('Items', 'Item'))}`,
      ) +
        schema(
          'Plant.Base',
          `<EnumType Name="Kind"><Member Name="Other"/></EnumType><TypeDefinition Name="Quantity" UnderlyingType="Edm.String"/>
           <EntityType Name="Item" Abstract="true">${key('Id')}${property('Id', 'Edm.Int64', 'Nullable="false"')}</EntityType>`,
        ),
    ),
    sets: { Items: ['Id'] },
    rows: [
      {
        wire: {
          Id: '9007199254740993',
          Kind: 'Firm',
          Amount: '12345678901234567.12345678901234',
          Amounts: ['0.00000000000001'],
        },
        record: {
          Id: '9007199254740993',
          Kind: 'Firm',
          Amount: '12345678901234567.12345678901234',
          Amounts: ['0.00000000000001'],
        },
        address: 'Items(9007199254740993)',
      },
    ],
  },
  {
    what: 'keys of GUIDs, times, days and members of enumerations',
    version: 4,
    document: v4(
      schema(
        'N',
        `<EnumType Name="Shift" IsFlags="true"><Member Name="Day" Value="1"/><Member Name="Night" Value="2"/></EnumType><EntityType Name="E">
         ${key('Id', 'At', 'Day', 'Clock', 'Shift')}${property('Id', 'Edm.Guid')}${property('At', 'Edm.DateTimeOffset')}
         ${property('Day', 'Edm.Date')}${property('Clock', 'Edm.TimeOfDay')}${property('Shift', 'N.Shift')}</EntityType>${container(set('Es', 'N.E'))}`,
      ),
    ),
    sets: { Es: ['Id', 'At', 'Day', 'Clock', 'Shift'] },
    rows: ['Day', 'Day,Night'].map((Shift) =>
      same(
        {
          Id: '0f8fad5b-d9cb-469f-a165-70867728950e',
          At: '2026-11-27T06:00:00.1234567Z',
          Day: '2026-11-27',
          Clock: '06:30:00',
          Shift,
        },
        `Es(Id=0f8fad5b-d9cb-469f-a165-70867728950e,At=2026-11-27T06:00:00.1234567Z,Day=2026-11-27,Clock=06:30:00,Shift=N.Shift'${Shift}')`,
      ),
    ),
  },
  {
    what: 'names in the letters of the plant',
    version: 4,
    document: v4(
      schema(
        'Fábrica.Ordens',
        `<EntityType Name="Peça">${key('Código')}${property('Código', 'Edm.String', 'MaxLength="40"')}${property('Descrição', 'Edm.String')}
         ${property('数量', 'Edm.Decimal', 'Scale="variable"')}</EntityType>${container(set('Peças', 'Fábrica.Ordens.Peça'))}`,
      ),
    ),
    sets: { Peças: ['Código'] },
    rows: [
      same(
        { Código: `${'0'.repeat(36)}4711`, Descrição: "Ação d'água 😀 & 100 %", 数量: '1.50' },
        `Peças('${'0'.repeat(36)}4711')`,
      ),
    ],
  },
  {
    what: 'singletons and what they hold, open types, and functions beside them',
    version: 4,
    document: v4(
      schema(
        'N',
        `<ComplexType Name="Place" OpenType="true">${property('Site', 'Edm.String')}</ComplexType>
         <EntityType Name="Line">${key('No')}${property('No', 'Edm.Byte', 'Nullable="false"')}${property('Place', 'N.Place')}
         ${property('Any', 'Edm.Untyped')}</EntityType>
         <EntityType Name="Plant"><NavigationProperty Name="Lines" Type="Collection(N.Line)" ContainsTarget="true"/>
         ${property('Name', 'Edm.String')}</EntityType>
         <Function Name="Busy" IsBound="true"><Parameter Name="it" Type="N.Plant"/><ReturnType Type="Edm.Boolean"/></Function>
         <EntityContainer Name="C"><Singleton Name="Plant" Type="N.Plant"/><FunctionImport Name="Gone" Function="N.Nowhere"/></EntityContainer>`,
      ),
    ),
    sets: { Plant: [] },
    set: 'Plant/Lines',
    rows: [same({ No: 7, Place: { Site: 'A', Bay: 'ç' }, Any: [1, 'x'] }, 'Plant/Lines(7)')],
  },
  {
    what: 'a container that extends another one, types that extend abstract ones, in CSDL JSON',
    version: 4,
    contentType: 'application/json',
    document: JSON.stringify({
      $Version: '4.01',
      $EntityContainer: 'Own.All',
      Own: { All: { $Kind: 'EntityContainer', $Extends: 'Far.Away.Shared' } },
      'Far.Away': {
        $Alias: 'F',
        Base: { $Kind: 'EntityType', $Abstract: true, Made: { $Type: 'Edm.DateTimeOffset', $Nullable: true } },
        Lot: {
          $Kind: 'EntityType',
          $BaseType: 'F.Base',
          $Key: ['Lot', 'Size'],
          Lot: {},
          Size: { $Type: 'Edm.Decimal' },
        },
        Shared: { $Kind: 'EntityContainer', Lots: { $Collection: true, $Type: 'F.Lot' } },
      },
    }),
    sets: { Lots: ['Lot', 'Size'] },
    rows: [same({ Lot: 'a/b=1,(c)', Size: '0.5', Made: null }, "Lots(Lot='a/b=1,(c)',Size=0.5)")],
  },
  {
    what: 'UTF-16 with annotations in each place, and a prefix for each element',
    version: 4,
    contentType: 'application/xml',
    document: Buffer.from(
      `\ufeff<?xml version="1.0" encoding="utf-16"?>${v4(
        `<edm:Schema xmlns:edm="${OASIS}edm" Namespace="N" Alias="A"><edm:Annotation Term="X.Y"><edm:Record><edm:PropertyValue Property="P"/></edm:Record></edm:Annotation>
         <edm:EntityType Name="E"><edm:Annotation Term="X.Label" String="ç"/><edm:Key><edm:PropertyRef Name="Id"/></edm:Key>
         <edm:Property Name="Id" Type="Edm.String"><edm:Annotation Term="Org.OData.Core.V1.Computed" Bool="true"/></edm:Property>
         <edm:Property Name="Bytes" Type="Edm.Binary"><edm:Annotation Term="X.List"><edm:Collection><edm:String>a</edm:String></edm:Collection></edm:Annotation></edm:Property>
         </edm:EntityType><edm:EntityContainer Name="C"><edm:EntitySet Name="Es" EntityType="A.E"/></edm:EntityContainer></edm:Schema>`,
      )}`,
      'utf16le',
    ),
    sets: { Es: ['Id'] },
    rows: [{ wire: { Id: '', Bytes: '-_8' }, record: { Id: '', Bytes: '+/8' }, address: "Es('')" }],
  },
  {
    what: 'version 3, a mark before it, and a second container of the same names',
    version: 2,
    document: `\ufeff${v2(
      schema(
        'M',
        `<EntityType Name="Machine" OpenType="true">${key('Id')}${property('Id', 'Edm.Int64')}${property('Tags', 'Collection(Edm.String)')}</EntityType>
         <EntityType Name="Photo" m:HasStream="true" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">${key('Id', 'Type')}
         ${property('Id', 'Edm.Int32')}${property('Type', 'Edm.String')}</EntityType>`,
      ) +
        schema(
          'S',
          `<EntityContainer Name="Main" m:IsDefaultEntityContainer="true" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
           ${set('Machines', 'M.Machine')}</EntityContainer><EntityContainer Name="Container2">${set('Photos', 'M.Photo')}${set('Machines', 'M.Photo')}</EntityContainer>`,
        ),
      '3.0',
    )}`,
    sets: { Machines: ['Id'], Photos: ['Id', 'Type'], 'Container2.Machines': ['Id', 'Type'] },
    set: 'Photos',
    place: 'Container2.Photos',
    rows: [same({ Id: 1, Type: 'image/png' }, "Container2.Photos(Id=1,Type='image/png')")],
  },
  {
    what: 'keys of version 2 of each type',
    version: 2,
    document: v2(
      schema(
        'Z_SRV',
        `<EntityType Name="E">${key('Guid', 'Day', 'Moment', 'Clock', 'Amount', 'Long', 'Flag', 'Bytes')}${property('Guid', 'Edm.Guid')}
         ${property('Day', 'Edm.DateTime', 'sap:display-format="Date" xmlns:sap="http://www.sap.com/Protocols/SAPData"')}${property('Moment', 'Edm.DateTimeOffset')}
         ${property('Clock', 'Edm.Time')}${property('Amount', 'Edm.Decimal', 'Precision="31" Scale="14"')}${property('Long', 'Edm.Int64')}
         ${property('Flag', 'Edm.Boolean')}${property('Bytes', 'Edm.Binary')}</EntityType>${container(set('Es', 'Z_SRV.E'))}`,
      ),
    ),
    sets: { Es: ['Guid', 'Day', 'Moment', 'Clock', 'Amount', 'Long', 'Flag', 'Bytes'] },
    rows: [
      {
        wire: {
          ...{ Guid: '0F8FAD5B-D9CB-469F-A165-70867728950E', Day: '/Date(1795824000000)/', Clock: 'PT06H30M00S' },
          ...{ Moment: '/Date(1795824000000+0000)/', Amount: '12345678901234567.12345678901234' },
          ...{ Long: '-9223372036854775808', Flag: false, Bytes: '+/8=' },
        },
        record: {
          ...{ Guid: '0f8fad5b-d9cb-469f-a165-70867728950e', Day: '2026-11-28', Clock: '06:30:00' },
          ...{ Moment: '2026-11-28T00:00:00Z', Amount: '12345678901234567.12345678901234' },
          ...{ Long: '-9223372036854775808', Flag: false, Bytes: '+/8=' },
        },
        address:
          "Es(Guid=guid'0f8fad5b-d9cb-469f-a165-70867728950e',Day=datetime'2026-11-28T00:00:00',Moment=datetimeoffset'2026-11-28T00:00:00Z'," +
          "Clock=time'PT06H30M00S',Amount=12345678901234567.12345678901234M,Long=-9223372036854775808L,Flag=false,Bytes=X'FBFF')",
      },
    ],
  },
  {
    what: 'fields that are called as envelopes call theirs',
    version: 2,
    document: v2(
      schema(
        'a.b-c',
        `<ComplexType Name="results">${property('d', 'Edm.String')}</ComplexType><EntityType Name="value">${key('d')}${property('d', 'Edm.String')}
         ${property('results', 'a.b-c.results')}${property('value', 'Edm.Int32')}${property('constructor', 'Edm.String')}${property('_', 'Edm.Double')}</EntityType>
         ${container(set('results', 'a.b-c.value'))}`,
      ),
    ),
    sets: { results: ['d'] },
    rows: [
      {
        wire: { d: 'x', results: { d: 'é' }, value: 3, constructor: 'toString', _: '-1.5E-7' },
        record: { d: 'x', results: { d: 'é' }, value: 3, constructor: 'toString', _: -1.5e-7 },
        address: "results('x')",
      },
    ],
  },
  {
    what: 'the same in version 4',
    version: 4,
    document: v4(
      schema(
        'a',
        `<ComplexType Name="d">${property('results', 'Collection(Edm.String)')}</ComplexType><EntityType Name="value">${key('error')}${property('error', 'Edm.String')}
         ${property('d', 'a.d')}${property('value', 'Edm.String')}${property('count', 'Edm.Int16')}${property('Near', 'Edm.Double')}</EntityType>${container(set('value', 'a.value'))}`,
      ),
    ),
    sets: { value: ['error'] },
    rows: [same({ error: 'none', d: { results: ['a', 'b'] }, value: 'v', count: -3, Near: 'INF' }, "value('none')")],
  },
];
