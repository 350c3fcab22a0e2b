import type { SqlDatabase } from '../protocols/sql/database';
import type { Vault } from '../security/vault';

/**
 * Seals with the current key what an earlier one sealed. Can be stopped and repeated at any point.
 * @param contextOf what the value of a row is sealed for
 * @returns how many rows changed
 */
export async function reseal(
  database: SqlDatabase,
  vault: Vault,
  table: string,
  column: string,
  contextOf: (id: string) => string,
): Promise<number> {
  const rows = await database.query(`SELECT id, ${column} AS sealed FROM ${table} WHERE ${column} IS NOT NULL`);
  let resealed = 0;
  for (const row of rows) {
    const sealed = String(row.sealed);
    const context = contextOf(String(row.id));
    if (!vault.isOutdated(sealed, context)) continue;
    resealed += await database.execute(`UPDATE ${table} SET ${column} = ? WHERE id = ? AND ${column} = ?`, [
      vault.encrypt(vault.decrypt(sealed, context), context),
      row.id as string | number,
      sealed,
    ]);
  }
  return resealed;
}
