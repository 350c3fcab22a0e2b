import { type FindFacts, inUse, type Reader } from './facts';

/** Open dead letters of each mapping. */
export function deadLetterFacts(reader: Reader): FindFacts {
  return async (rule) => {
    const { sql, parameters } = inUse(rule);
    const rows = await reader.query(
      `SELECT m.id, m.name, m.connection_id, c.name AS connection, COUNT(*) AS letters
       FROM integration_dead_letters d
       JOIN integration_mappings m ON m.id = d.mapping_id JOIN integration_connections c ON c.id = m.connection_id
       WHERE d.state IN ('open', 'replaying') AND ${sql} GROUP BY m.id, m.name, m.connection_id, c.name`,
      parameters,
    );
    return {
      observations: rows.map((row) => ({
        subject: `mapping:${row.id}`,
        connectionId: Number(row.connection_id),
        mappingId: Number(row.id),
        value: Number(row.letters),
        details: { mapping: String(row.name), connection: String(row.connection) },
      })),
    };
  };
}
