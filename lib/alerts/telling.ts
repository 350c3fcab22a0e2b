import type { AlertEventType } from '../model/alert';
import type { SqlTransaction } from '../protocols/sql/database';
import { getAlert, insertEvent } from './alert-rows';

/** Puts on record what happened to an alert, in the transaction in which it happens: all who are told read it there. */
export async function tell(
  transaction: SqlTransaction,
  alertId: number,
  type: AlertEventType,
  at: number,
  by: string | null = null,
): Promise<void> {
  const { value } = await getAlert(transaction, alertId);
  await insertEvent(transaction, { alertId, type, at, by, value });
}
