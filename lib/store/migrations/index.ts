import { hub } from './0001-hub';
import { deadLetters } from './0002-dead-letters';
import { connectionPauses } from './0003-connection-pauses';
import { mappingStreams } from './0004-mapping-streams';
import { sharedSignInsAndLimits } from './0005-shared-sign-ins-and-limits';
import { syncAttempts } from './0006-sync-attempts';
import { schedules } from './0007-schedules';
import { requestTurns } from './0008-request-turns';
import { audit } from './0009-audit';
import { mappingDependencies } from './0010-mapping-dependencies';
import { runsOfSpools } from './0011-runs-of-spools';
import { webhookInbox } from './0012-webhook-inbox';
import { webhooks } from './0013-webhooks';
import { alerts } from './0014-alerts';
import { arrivals } from './0016-arrivals';
import { apiQuotas } from './0017-api-quotas';
import { webhookAccess } from './0018-webhook-access';
import { reconciliations } from './0019-reconciliations';
import { tallies } from './0020-tallies';
import { places } from './0021-places';
import { refusedSignIns } from './0022-refused-sign-ins';
import { repairs } from './0023-repairs';
import { webhookRepeats } from './0024-webhook-repeats';
import { quotaUse } from './0025-quota-use';
import { dailyBudgets } from './0026-daily-budgets';
import { phrases } from './0028-phrases';
import { runWarnings } from './0029-run-warnings';
import { ownRecords } from './0030-own-records';
import type { Migration } from './migration';

export type { Migration, MigrationContext } from './migration';

/** In the order in which they run. A migration that was released never changes; what comes later is a new one. */
export const migrations: readonly Migration[] = [
  hub,
  deadLetters,
  connectionPauses,
  mappingStreams,
  sharedSignInsAndLimits,
  syncAttempts,
  schedules,
  requestTurns,
  audit,
  mappingDependencies,
  runsOfSpools,
  webhookInbox,
  webhooks,
  alerts,
  arrivals,
  apiQuotas,
  webhookAccess,
  reconciliations,
  tallies,
  places,
  refusedSignIns,
  repairs,
  webhookRepeats,
  quotaUse,
  dailyBudgets,
  phrases,
  runWarnings,
  ownRecords,
];
