import { malformed } from './errors';
import type { Message } from './message';
import { stateTopic } from './topics';

/** Whether a host application is there: its birth and death certificate. */
export interface HostState {
  online: boolean;
  /** Milliseconds since 1970: when the host connected, or left. */
  timestamp: number;
}

const LONGEST = 1024;

export function stateMessage(host: string, state: HostState): Message {
  return { topic: stateTopic(host), payload: Buffer.from(JSON.stringify(state), 'utf8'), qos: 1, retain: true };
}

/** @throws data PCP_SPARKPLUG_MALFORMED */
export function parseState(payload: Buffer): HostState {
  let state: unknown;
  try {
    state = payload.length > LONGEST ? undefined : JSON.parse(payload.toString('utf8'));
  } catch (error) {
    throw malformed('The state of a host application is no JSON.', error);
  }
  const { online, timestamp } = (state ?? {}) as Partial<Record<keyof HostState, unknown>>;
  if (typeof online !== 'boolean' || typeof timestamp !== 'number') {
    throw malformed('The state of a host application lacks online or timestamp.');
  }
  return { online, timestamp };
}
