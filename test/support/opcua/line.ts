import type * as address from 'node-opcua-address-space' with { 'resolution-mode': 'import' };
import { opcUaLibrary } from '../../../lib/protocols/opcua/library';
import { Historian } from './historian';

const { ua } = opcUaLibrary();
const { DataType, StatusCodes, Variant, VariantArrayType } = ua;

const PLANT_URI = 'http://plant.example/line';

/** One variable of each type, with values that lose digits when they are treated carelessly. */
const TYPES: [name: string, type: keyof typeof DataType, value: unknown][] = [
  ['Boolean', 'Boolean', true],
  ['SByte', 'SByte', -5],
  ['Byte', 'Byte', 200],
  ['Int16', 'Int16', -30000],
  ['UInt16', 'UInt16', 60000],
  ['Int32', 'Int32', -2_000_000_000],
  ['UInt32', 'UInt32', 4_000_000_000],
  ['Int64', 'Int64', [0x200000, 1]],
  ['UInt64', 'UInt64', [0xffffffff, 0xffffffff]],
  ['Float', 'Float', 1.5],
  ['Double', 'Double', 0.1],
  ['String', 'String', 'Fundição nº 7'],
  ['DateTime', 'DateTime', new Date('2026-11-27T10:00:00.250Z')],
  ['Guid', 'Guid', '72962B91-FA75-4AE6-8D28-B404DC7DAF63'],
  ['ByteString', 'ByteString', Buffer.from([1, 2, 3])],
  ['LocalizedText', 'LocalizedText', { text: 'Misturador', locale: 'pt-BR' }],
];

export interface Line {
  historian: Historian;
  calls(): number;
  set(name: string, value: unknown, at?: Date): void;
  setStatus(name: string, status: string): void;
  raise(message: string, severity: number): void;
  setTank(value: number): void;
}

type Add = (name: string, dataType: string, value: address.BindVariableOptions) => unknown;

/** Enumerations and structures of the plant's own types. */
function addTyped(space: address.AddressSpace, add: Add): void {
  const typeOf = (name: string) =>
    space.findDataType(name, space.getNamespaceIndex('http://plant.example/types')) as address.UADataType;
  const addStructure = (name: string, type: string, fields: Record<string, unknown>) =>
    add(name, typeOf(type).nodeId.toString(), {
      dataType: DataType.ExtensionObject,
      value: space.constructExtensionObject(typeOf(type), fields),
    } as unknown as address.BindVariableOptions);
  const addEnumeration = (name: string, type: string, value: number | number[]) =>
    add(name, typeOf(type).nodeId.toString(), {
      dataType: DataType.Int32,
      arrayType: Array.isArray(value) ? VariantArrayType.Array : VariantArrayType.Scalar,
      value,
    } as unknown as address.BindVariableOptions);
  addStructure('Batch', 'Batch', { name: 'B-17', serial: [0x200000, 1], mode: 5, weights: [1.5, 2.25] });
  const step = { name: 'Mix', duration: 1500, mode: 1 };
  addStructure('Recipe', 'Recipe', {
    name: 'IPA',
    created: new Date('2026-11-27T10:00:00.250Z'),
    main: step,
    steps: [step, { ...step, name: 'Clean', mode: 5 }],
    comment: 'hoppy',
    extra: { dataType: DataType.Int32, value: 7 },
  });
  addStructure('Setpoint', 'Setpoint', { level: 12.5 });
  addEnumeration('Mode', 'LineMode', 5);
  addEnumeration('Modes', 'LineMode', [0, 5, 1]);
  addEnumeration('Priority', 'Priority', 1);
  add('Any', 'i=24', { dataType: DataType.UInt16, value: 5 } as address.BindVariableOptions);
}

/** The plant's objects: a line with all types, methods, history, events and an alarm, and as many plain tags as wanted. */
export function addLine(space: address.AddressSpace, many: number): Line {
  space.installAlarmsAndConditionsService();
  const namespace = space.registerNamespace(PLANT_URI);
  const { objects } = space.rootFolder;
  const line = namespace.addObject({ organizedBy: objects, browseName: 'Line1', nodeId: 's=Line1', eventNotifier: 1 });
  line.addReference({ referenceType: 'HasNotifier', isForward: false, nodeId: objects.server });
  const variables = new Map<string, address.UAVariable>();
  const add = (
    name: string,
    dataType: string,
    value: address.BindVariableOptions,
    accessLevel = 'CurrentRead | CurrentWrite',
  ) => {
    const variable = namespace.addVariable({
      componentOf: line,
      browseName: name,
      nodeId: `s=Line1.${name}`,
      dataType,
      // Any number of dimensions.
      ...(Array.isArray((value as { value?: unknown }).value) && name === 'Modes' && { valueRank: 1 }),
      accessLevel,
      userAccessLevel: accessLevel,
      value,
    } as address.AddVariableOptions);
    variables.set(name, variable);
    return variable;
  };
  for (const [name, type, value] of TYPES)
    add(name, type, {
      dataType: DataType[type],
      arrayType: VariantArrayType.Scalar,
      value,
    } as address.BindVariableOptions);
  add('ReadOnly', 'Int32', { dataType: DataType.Int32, value: 7 } as address.BindVariableOptions, 'CurrentRead');
  add('A;B', 'Int32', { dataType: DataType.Int32, value: 8 } as address.BindVariableOptions, 'CurrentRead');
  namespace.addVariable({
    componentOf: line,
    browseName: 'Array',
    nodeId: 's=Line1.Array',
    dataType: 'Int64',
    valueRank: 1,
    arrayDimensions: [2],
    value: {
      dataType: DataType.Int64,
      arrayType: VariantArrayType.Array,
      value: [
        [0, 1],
        [0x200000, 1],
      ],
    },
  } as unknown as address.AddVariableOptions);

  const temperature = namespace.addAnalogDataItem({
    componentOf: line,
    browseName: 'Temperature',
    nodeId: 's=Line1.Temperature',
    dataType: 'Double',
    engineeringUnitsRange: { low: 0, high: 200 },
    engineeringUnits: {
      namespaceUri: 'http://www.opcfoundation.org/UA/units/un/cefact',
      unitId: 4408652,
      displayName: { text: '°C' },
      description: { text: 'degree Celsius' },
    },
    value: { dataType: DataType.Double, value: 20 },
  } as unknown as address.AddAnalogDataItemOptions);
  variables.set('Temperature', temperature as unknown as address.UAVariable);
  space.installHistoricalDataNode(temperature as unknown as address.UAVariable, { maxOnlineValues: 5000 });
  const historian = new Historian(temperature as unknown as address.UAVariable);

  addTyped(space, add);

  let calls = 0;
  const start = namespace.addMethod(line, {
    browseName: 'Start',
    nodeId: 's=Line1.Start',
    inputArguments: [
      { name: 'Recipe', dataType: DataType.String, description: { text: 'Name of the recipe' } },
      { name: 'Count', dataType: DataType.UInt32 },
    ],
    outputArguments: [
      { name: 'JobId', dataType: DataType.Int64 },
      { name: 'Text', dataType: DataType.String },
    ],
  });
  start.bindMethod(async (inputs: { value: unknown }[], _context: unknown) => {
    calls++;
    const [recipe, count] = inputs;
    if (recipe?.value === 'broken') return { statusCode: StatusCodes.BadInvalidState };
    return {
      statusCode: StatusCodes.Good,
      outputArguments: [
        new Variant({ dataType: DataType.Int64, arrayType: VariantArrayType.Scalar, value: [0x200000, 1] }),
        new Variant({ dataType: DataType.String, value: `${recipe?.value} x ${count?.value}` }),
      ],
    };
  });

  const tank = namespace.addVariable({
    componentOf: line,
    browseName: 'Tank',
    nodeId: 's=Line1.Tank',
    dataType: 'Double',
    eventSourceOf: line,
    value: { dataType: DataType.Double, value: 50 },
  } as unknown as address.AddVariableOptions);
  namespace.instantiateExclusiveLimitAlarm('ExclusiveLimitAlarmType', {
    browseName: 'TankLevel',
    nodeId: 's=Line1.TankLevel',
    componentOf: line,
    conditionSource: tank,
    inputNode: tank,
    optionals: ['Confirm', 'ConfirmedState'],
    highHighLimit: 95,
    highLimit: 90,
    lowLimit: 10,
    lowLowLimit: 5,
  } as unknown as Parameters<typeof namespace.instantiateExclusiveLimitAlarm>[1]);

  const folder = namespace.addFolder(objects, { browseName: 'Many', nodeId: 's=Many' });
  for (let n = 0; n < many; n++) {
    namespace.addVariable({
      organizedBy: folder,
      browseName: `T${n}`,
      nodeId: `s=Many.${n}`,
      dataType: 'Int32',
      value: { dataType: DataType.Int32, value: n },
    } as unknown as address.AddVariableOptions);
  }

  const variable = (name: string) => {
    const found = variables.get(name);
    if (found === undefined) throw new Error(`no variable ${name}`);
    return found;
  };
  return {
    historian,
    calls: () => calls,
    set(name, value, at = new Date()) {
      if (name === 'Temperature') historian.record(at, value);
      const { dataType } = variable(name).readValue().value;
      variable(name).setValueFromSource({ dataType, value }, StatusCodes.Good, at);
    },
    setStatus(name, status) {
      const { value } = variable(name).readValue();
      const code = StatusCodes[status as keyof typeof StatusCodes];
      variable(name).setValueFromSource(value, code as typeof StatusCodes.Good);
    },
    raise(message, severity) {
      line.raiseEvent('SystemEventType', {
        message: { dataType: DataType.LocalizedText, value: { text: message } },
        severity: { dataType: DataType.UInt16, value: severity },
      } as Parameters<typeof line.raiseEvent>[1]);
    },
    setTank(value) {
      tank.setValueFromSource({ dataType: DataType.Double, value });
    },
  };
}
