import type * as address from 'node-opcua-address-space' with { 'resolution-mode': 'import' };
import { opcUaLibrary } from '../../../lib/protocols/opcua/library';

const { ua } = opcUaLibrary();
const { DataType, VariantArrayType } = ua;

const PACKML = 'http://opcfoundation.org/UA/PackML/';
const MACHINERY = 'http://opcfoundation.org/UA/Machinery/';
const JOBS = 'http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/';

/** Machines as companion specifications describe them: a PackML unit, a machine, and an ISA-95 receiver of job orders. */
export function addCompanions(space: address.AddressSpace): void {
  const namespace = space.registerNamespace('http://plant.example/machines');
  const { objects } = space.rootFolder;
  const typeOf = (name: string, uri: string) =>
    space.findObjectType(name, space.getNamespaceIndex(uri)) as address.UAObjectType;
  const cell = namespace.addFolder(objects, { browseName: 'Cell', nodeId: 's=Cell' });

  const fillerType = namespace.addObjectType({
    browseName: 'FillerType',
    subtypeOf: typeOf('PackMLBaseObjectType', PACKML),
  });
  const filler = fillerType.instantiate({
    namespace,
    browseName: 'Filler',
    nodeId: 's=Filler',
    organizedBy: cell,
    optionals: ['TagID'],
  });
  set(filler, ['TagID'], DataType.String, 'F-1');
  set(filler, ['Status', 'CurMachSpeed'], DataType.Float, 120.5);
  set(filler, ['Status', 'EquipmentBlocked'], DataType.Boolean, false);

  const press = namespace.addObject({ browseName: 'Press', nodeId: 's=Press', organizedBy: cell });
  const identification = typeOf('MachineIdentificationType', MACHINERY).instantiate({
    namespace,
    browseName: 'Identification',
    nodeId: 's=Press.Identification',
    componentOf: press,
  });
  set(identification, ['SerialNumber'], DataType.String, '4711');
  set(identification, ['ProductInstanceUri'], DataType.String, 'urn:press:4711');

  const receiver = typeOf('ISA95JobOrderReceiverObjectType', JOBS).instantiate({
    namespace,
    browseName: 'Orders',
    nodeId: 's=Orders',
    organizedBy: cell,
    optionals: ['Store'],
  });
  const stored: Record<string, unknown>[] = [];
  const store = (order: Record<string, unknown>) => {
    stored.push(order);
    const orderType = space.findDataType('ISA95JobOrderAndStateDataType', space.getNamespaceIndex(JOBS));
    const value = stored.map((jobOrder) =>
      space.constructExtensionObject(orderType as address.UADataType, { jobOrder, state: [] }),
    );
    const list = child(receiver, 'JobOrderList') as address.UAVariable;
    list.setValueFromSource({ dataType: DataType.ExtensionObject, arrayType: VariantArrayType.Array, value });
  };
  store({ jobOrderID: 'J-1', priority: 5 });
  const method = child(receiver, 'Store') as address.UAMethod;
  method.bindMethod(async (inputs: { value: unknown }[], _context: unknown) => {
    store(inputs[0]?.value as Record<string, unknown>);
    return {
      statusCode: ua.StatusCodes.Good,
      outputArguments: [
        new ua.Variant({ dataType: DataType.UInt64, arrayType: VariantArrayType.Scalar, value: [0, 0] }),
      ],
    };
  });
}

function child(node: address.BaseNode, name: string): address.BaseNode {
  const found = node.getChildByName(name);
  if (found === null) throw new Error(`${node.browseName} has no ${name}`);
  return found;
}

function set(object: address.BaseNode, path: readonly string[], dataType: number, value: unknown): void {
  const variable = path.reduce<address.BaseNode>(child, object) as address.UAVariable;
  variable.setValueFromSource({ dataType, value });
}
