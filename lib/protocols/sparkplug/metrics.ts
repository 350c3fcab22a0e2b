import { dataTypeNumber } from './codec/data-types';
import { signedInteger } from './codec/integers';
import { encodePayload, type Metric, type Payload } from './codec/payload';
import type { Uint64 } from './codec/wire-reader';
import type { Message } from './message';
import { deviceTopic, type EdgeNodeName, nodeTopic } from './topics';

/** Pairs a death with its birth. */
export const BD_SEQ = 'bdSeq';
/** Commands an edge node to send its births again. */
export const REBIRTH = 'Node Control/Rebirth';

export const SEQUENCE_LENGTH = 256;

export function bdSeqMetric(bdSeq: number, timestamp: number): Metric {
  return { name: BD_SEQ, timestamp, datatype: dataTypeNumber('Int64'), long_value: bdSeq };
}

/** Undefined where a payload has none. */
export function bdSeqOf({ metrics = [] }: Payload): Uint64 | undefined {
  const metric = metrics.find(({ name }) => name === BD_SEQ);
  const value = metric?.long_value ?? metric?.int_value;
  return value === undefined ? undefined : signedInteger(value, 64);
}

/** Commands carry no sequence number. */
export function commandMessage(
  target: EdgeNodeName,
  device: string | undefined,
  metrics: Metric[],
  timestamp: number,
): Message {
  const topic = device === undefined ? nodeTopic('NCMD', target) : deviceTopic('DCMD', target, device);
  return { topic, payload: encodePayload({ timestamp, metrics }), qos: 0, retain: false };
}

/** Births declare it as false; true commands it. */
export function rebirthMetric(value: boolean, timestamp: number): Metric {
  return { name: REBIRTH, timestamp, datatype: dataTypeNumber('Boolean'), boolean_value: value };
}

export function rebirthCommand(target: EdgeNodeName, timestamp: number): Message {
  return commandMessage(target, undefined, [rebirthMetric(true, timestamp)], timestamp);
}
