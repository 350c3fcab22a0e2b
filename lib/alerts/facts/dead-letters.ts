import { type FindFacts, inUse, type Reader } from './facts';

/** Open dead letters of each mapping. */
export function deadLetterFacts(reader: Reader): FindFacts {
  return async (rule) => {
    const { sql, parameters } = inUse(rule);
    // Counted in an index alone: there may be a hundred thousand.
    const rows = await reader.query(
      `SELECT m.id, m.name, m.connection_id, c.name AS connection,
         (SELECT COUNT(*) FROM integration_dead_letters d
          WHERE d.mapping_id = m.id AND d.direction IN ('import', 'export') AND d.state IN ('open', 'replaying')) AS letters
       FROM integration_mappings m JOIN integration_connections c ON c.id = m.connection_id WHERE ${sql}`,
      parameters,
    );
    const withLetters = rows.filter(({ letters }) => Number(letters) > 0);
    return {
      observations: withLetters.map((row) => ({
        subject: `mapping:${row.id}`,
        connectionId: Number(row.connection_id),
        mappingId: Number(row.id),
        value: Number(row.letters),
        details: { mapping: String(row.name), connection: String(row.connection) },
      })),
    };
  };
}
