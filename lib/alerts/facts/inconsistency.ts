import type { MappingOptions } from '../../model/mapping';
import { DIFFERENCES } from '../../model/reconciliation';
import { type FindFacts, inUse, type Reader } from './facts';

/** Differences that the newest comparison of each stream found, where there are more than its mapping tolerates. */
export function inconsistencyFacts(reader: Reader): FindFacts {
  return async (rule) => {
    const { sql, parameters } = inUse(rule);
    const rows = await reader.query(
      `SELECT r.*, m.name, m.options, c.name AS connection
       FROM integration_mappings m JOIN integration_connections c ON c.id = m.connection_id
       JOIN (SELECT mapping_id, direction, MAX(id) AS newest FROM integration_reconciliations
             WHERE ended_at IS NOT NULL GROUP BY mapping_id, direction) last ON last.mapping_id = m.id
       JOIN integration_reconciliations r ON r.id = last.newest WHERE ${sql} ORDER BY m.id, r.direction`,
      parameters,
    );
    const observations = rows.flatMap((row) => {
      const counts = Object.fromEntries(DIFFERENCES.map((kind) => [kind, Number(row[`n_${kind}`])]));
      const value = Object.values(counts).reduce((sum, count) => sum + count, 0);
      const { reconciliation } = JSON.parse(String(row.options)) as MappingOptions;
      if (value <= (reconciliation?.tolerance ?? 0)) return [];
      const { direction } = row;
      const comparedAt = new Date(Number(row.ended_at)).toISOString();
      const names = { mapping: String(row.name), connection: String(row.connection), direction };
      return [
        {
          subject: `mapping:${row.mapping_id}:${direction}`,
          connectionId: Number(row.connection_id),
          mappingId: Number(row.mapping_id),
          value,
          details: { ...names, reconciliation_id: Number(row.id), compared_at: comparedAt, ...counts },
        },
      ];
    });
    return { observations };
  };
}
