import assert from 'node:assert/strict';
import { opcUaLibrary, type Variant } from '../../../lib/protocols/opcua/library';
import { plainValue } from '../../../lib/protocols/opcua/values';

describe('OPC UA: matrices', () => {
  const { DataType, VariantArrayType } = opcUaLibrary().ua;
  const matrix = (value: number[], dimensions: number[]) =>
    plainValue({
      dataType: DataType.Int32,
      arrayType: VariantArrayType.Matrix,
      value,
      dimensions,
    } as unknown as Variant);

  it('are nested as deep as they have dimensions', () => {
    assert.deepEqual(matrix([1, 2, 3, 4, 5, 6], [3, 2]), [
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
  });

  it('stay flat where their dimensions are not those of what came', () => {
    assert.deepEqual(matrix([], [1e9, 0]), []);
    assert.deepEqual(matrix([1, 2], [1e9, 1e9]), [1, 2]);
    assert.deepEqual(matrix([1, 2, 3], [2, 2]), [1, 2, 3]);
  });
});
