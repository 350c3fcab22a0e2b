import type { OpcUaClient, OpenSession } from './client';
import type { NodeType } from './data-types';
import { opcUaLibrary, type Variant } from './library';
import { structureMaker } from './structures';
import { enumerated, inferred, scalar, unfit } from './variants';

/**
 * Plain data as the type that a node or an argument has.
 * @param what named in the error
 * @throws data PCP_OPCUA_VALUE when it does not fit, PCP_OPCUA_TYPE for what cannot be written
 */
export async function encodeValue(
  client: OpcUaClient,
  open: OpenSession,
  value: unknown,
  { dataType, builtIn, valueRank, names }: NodeType,
  what: string,
  signal: AbortSignal,
): Promise<Variant> {
  const { DataType, Variant: VariantClass, VariantArrayType } = opcUaLibrary().ua;
  if (builtIn === 'Variant') return new VariantClass(inferred(value, what));
  const dimensions = shapeOf(value);
  const typeName = names === undefined ? builtIn : 'enumeration';
  if (!takesShape(valueRank, dimensions.length)) {
    throw unfit(value, valueRank < 0 ? `single ${typeName}` : `array of ${typeName}`, what);
  }
  const items = dimensions.length === 0 ? [value] : (value as unknown[]).flat(dimensions.length - 1);
  if (items.length !== dimensions.reduce((product, length) => product * length, 1)) {
    throw unfit(value, `array of ${typeName} with rows of the same length`, what);
  }
  const one =
    builtIn === 'ExtensionObject'
      ? await structureMaker(client, open, dataType, what, signal)
      : (item: unknown) => (names === undefined ? scalar(item, builtIn, what) : enumerated(item, names, what));
  const encoded = items.map(one);
  return new VariantClass({
    dataType: DataType[builtIn as keyof typeof DataType],
    arrayType: VariantArrayType[dimensions.length === 0 ? 'Scalar' : dimensions.length === 1 ? 'Array' : 'Matrix'],
    value: dimensions.length === 0 ? encoded[0] : encoded,
    ...(dimensions.length > 1 && { dimensions }),
  });
}

/** Lengths of nested arrays, as the first row of each has them. */
function shapeOf(value: unknown): number[] {
  return Array.isArray(value) ? [value.length, ...(value.length > 0 ? shapeOf(value[0]) : [])] : [];
}

/** -3 is one value or a list, -2 anything, 0 any array (Part 3, 5.6.2). */
function takesShape(valueRank: number, dimensions: number): boolean {
  switch (valueRank) {
    case -3:
      return dimensions <= 1;
    case -2:
      return true;
    case 0:
      return dimensions > 0;
    default:
      return dimensions === Math.max(valueRank, 0);
  }
}
