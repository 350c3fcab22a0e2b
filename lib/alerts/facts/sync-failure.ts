import { stateList } from '../../sync/runs/run-rows';
import type { Observation } from '../step';
import type { FindFacts, Reader } from './facts';
import { endedRuns, lastRuns } from './streams';

const JUDGED = stateList(['succeeded', 'partial', 'failed']);
/** Failures in a row are counted no further. */
const MOST = 100;

/** Runs of each stream that failed in a row, up to the newest. */
export function syncFailureFacts(reader: Reader): FindFacts {
  return async (rule) => {
    const observations: Observation[] = [];
    for (const stream of await lastRuns(reader, rule, JUDGED, 'state')) {
      if (stream.last !== 'failed') continue;
      const runs = await endedRuns(reader, stream, JUDGED, MOST);
      const well = runs.findIndex(({ state }) => state !== 'failed');
      const [last] = runs;
      // It may have gone well between the two looks.
      if (last === undefined || well === 0) continue;
      const { mappingId, connectionId, mapping, connection, direction } = stream;
      observations.push({
        subject: `mapping:${mappingId}:${direction}`,
        connectionId,
        mappingId,
        value: well < 0 ? runs.length : well,
        details: {
          mapping,
          connection,
          direction,
          sync_log_id: last.id,
          error_class: last.errorClass,
          error_code: last.errorCode,
          error_message: last.errorMessage,
        },
      });
    }
    return { observations };
  };
}
