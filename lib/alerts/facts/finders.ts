import type { LiveStatus } from '../../model/stream';
import type { FactFinders } from '../evaluation';
import { apiLimitFacts } from './api-limit';
import { connectionPausedFacts } from './connection-paused';
import { dataDelayFacts } from './data-delay';
import { deadLetterFacts } from './dead-letters';
import { errorRatioFacts } from './error-ratio';
import { certificateFacts, type ExpirySource, secretFacts } from './expiry';
import type { Reader } from './facts';
import { inconsistencyFacts } from './inconsistency';
import { bufferFacts, silenceFacts } from './live-streams';
import { syncFailureFacts } from './sync-failure';
import { webhookFacts } from './webhooks';

/** @param source what this instance knows: its live mappings, certificates, and secrets of its flows */
export function factFinders(
  reader: Reader,
  source: ExpirySource & { streams(): ReadonlyMap<number, LiveStatus> },
): FactFinders {
  const streams = () => source.streams();
  return {
    sync_failure: { shared: syncFailureFacts(reader) },
    data_delay: { shared: dataDelayFacts(reader), own: silenceFacts(reader, streams) },
    inconsistency: { shared: inconsistencyFacts(reader) },
    dead_letters: { shared: deadLetterFacts(reader) },
    error_ratio: { shared: errorRatioFacts(reader) },
    buffer_fill: { own: bufferFacts(reader, streams) },
    api_limit: { shared: apiLimitFacts(reader) },
    connection_paused: { shared: connectionPausedFacts(reader) },
    webhook_failure: { shared: webhookFacts(reader) },
    certificate_expiry: { own: certificateFacts(reader, source) },
    secret_expiry: { own: secretFacts(reader, source) },
  };
}
