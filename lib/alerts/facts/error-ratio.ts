import { stateList } from '../../sync/runs/run-rows';
import type { Observation } from '../step';
import type { FindFacts, Reader } from './facts';
import { endedRuns, lastRuns } from './streams';

const JUDGED = stateList(['succeeded', 'partial', 'failed']);
/** Of so many records a share says something: small runs are taken together with those before them. */
const ENOUGH = 100;
const MOST_RUNS = 20;
/** Fewer that were rejected say nothing about the others: the dead letters tell of each. */
const LEAST = 10;

/** How many of the records that the newest runs of each stream read were rejected, in percent. */
export function errorRatioFacts(reader: Reader): FindFacts {
  return async (rule) => {
    const observations: Observation[] = [];
    for (const stream of await lastRuns(reader, rule, JUDGED, 'c_errors')) {
      if (Number(stream.last ?? 0) === 0) continue;
      let [read, errors] = [0, 0];
      for (const run of await endedRuns(reader, stream, JUDGED, MOST_RUNS)) {
        read += run.read;
        errors += run.errors;
        if (read >= ENOUGH) break;
      }
      if (errors < LEAST) continue;
      const { mappingId, connectionId, mapping, connection, direction } = stream;
      observations.push({
        subject: `mapping:${mappingId}:${direction}`,
        connectionId,
        mappingId,
        value: Math.floor((100 * errors) / Math.max(read, errors)),
        details: { mapping, connection, direction, errors, read },
      });
    }
    return { observations };
  };
}
