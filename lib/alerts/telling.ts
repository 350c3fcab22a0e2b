import type { AlertEventType } from '../model/alert';
import type { EventType } from '../model/events';
import type { SqlTransaction } from '../protocols/sql/database';
import { enqueueEvents } from '../store/outbox';
import { getAlert, insertEvent } from './alert-rows';
import { spokenAlert } from './spoken';

const WEBHOOK_EVENTS: Record<AlertEventType, EventType> = {
  firing: 'alert.firing',
  repeated: 'alert.firing',
  acknowledged: 'alert.acknowledged',
  resolved: 'alert.resolved',
};

/** Puts on record what happened to an alert, in the transaction in which it happens: all who are told read it there. */
export async function tell(
  transaction: SqlTransaction,
  alertId: number,
  type: AlertEventType,
  at: number,
  by: string | null = null,
): Promise<void> {
  const { events: _events, ...alert } = await getAlert(transaction, alertId);
  await insertEvent(transaction, { alertId, type, at, by, value: alert.value });
  const { connection_id, mapping_id } = alert;
  const { title, message, hint } = spokenAlert(alert, 'pt-BR');
  const data = {
    alert: spokenAlert(alert, 'en-US'),
    repeated: type === 'repeated',
    translations: { 'pt-BR': { title, message, hint } },
  };
  await enqueueEvents(transaction, [{ type: WEBHOOK_EVENTS[type], at, connection_id, mapping_id, data }]);
}
