import type { LiveStatus } from '../../model/stream';
import type { FactFinders } from '../evaluation';
import { dataDelayFacts } from './data-delay';
import { deadLetterFacts } from './dead-letters';
import type { Reader } from './facts';
import { bufferFacts, silenceFacts } from './live-streams';
import { syncFailureFacts } from './sync-failure';

/** @param streams the live mappings of this instance */
export function factFinders(reader: Reader, streams: () => ReadonlyMap<number, LiveStatus>): FactFinders {
  return {
    sync_failure: { shared: syncFailureFacts(reader) },
    data_delay: { shared: dataDelayFacts(reader), own: silenceFacts(reader, streams) },
    dead_letters: { shared: deadLetterFacts(reader) },
    buffer_fill: { own: bufferFacts(reader, streams) },
  };
}
