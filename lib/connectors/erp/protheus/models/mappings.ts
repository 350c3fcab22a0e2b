import type { DefaultMapping } from '../../default-mapping';
import material from '../entities/material.json';

const [products] = material.mappings as DefaultMapping[];

/**
 * Mappings that work as they are, by the main part of the models that they are for: products (MATA010) come as by their table,
 * and go back with the same fields, but for those that are computed, and for the branch, which is that of the connection.
 */
export const MAPPINGS: ReadonlyMap<string, DefaultMapping[]> = new Map(
  products === undefined ? [] : [['SB1MASTER', [products, exportOf(products)]]],
);

function exportOf({ target_entity, field_mappings }: DefaultMapping): DefaultMapping {
  const twoWay = field_mappings.filter(({ source }) => source !== undefined && source !== 'B1_FILIAL');
  return { direction: 'export', target_entity, key_fields: ['material'], field_mappings: twoWay };
}
