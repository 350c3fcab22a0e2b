import type { AlertRule } from '../../model/alert';
import { stateList } from '../../sync/runs/run-rows';
import type { Observation } from '../step';
import type { FindFacts, Reader } from './facts';
import { endedRuns, type Judged, lastRuns } from './streams';

const JUDGED = stateList(['succeeded', 'partial', 'failed']);
/** Failures in a row are counted no further. */
const MOST = 100;

/** What is judged apart, by what its alerts are about: runs of a stream, and its comparisons with their repairs. */
const SUBJECTS: Record<Judged, string> = { stream: 'mapping', comparison: 'comparison' };

/** Runs of each stream that failed in a row, up to the newest. */
export function syncFailureFacts(reader: Reader): FindFacts {
  return async (rule) => {
    const found = await Promise.all([failures(reader, rule, 'stream'), failures(reader, rule, 'comparison')]);
    return { observations: found.flat() };
  };
}

async function failures(reader: Reader, rule: AlertRule, judged: Judged): Promise<Observation[]> {
  const observations: Observation[] = [];
  for (const stream of await lastRuns(reader, rule, JUDGED, 'state', judged)) {
    if (stream.last !== 'failed') continue;
    const runs = await endedRuns(reader, stream, JUDGED, MOST, judged);
    const well = runs.findIndex(({ state }) => state !== 'failed');
    const failed = well < 0 ? runs : runs.slice(0, well);
    const [last] = failed;
    // It may have gone well between the two looks.
    if (last === undefined) continue;
    // Whoever compares by hand is there to see what comes of it.
    if (judged === 'comparison' && failed.every(({ isUnattended }) => !isUnattended)) continue;
    const { mappingId, connectionId, mapping, connection, direction } = stream;
    observations.push({
      subject: `${SUBJECTS[judged]}:${mappingId}:${direction}`,
      connectionId,
      mappingId,
      value: failed.length,
      details: {
        mapping,
        connection,
        direction,
        kind: last.kind,
        sync_log_id: last.id,
        error_class: last.errorClass,
        error_code: last.errorCode,
        error_message: last.errorMessage,
        ...(last.said && { error_said: last.said }),
      },
    });
  }
  return observations;
}
