import { benchMqtt } from './live-mqtt';
import { benchOpcUa } from './live-opcua';
import { benchValues } from './live-values';
import { withPostgres } from './support/postgres';

export interface LiveBenchOptions {
  messages: number;
  passes: number;
  /** How long values keep coming. */
  seconds: number;
}

/** What the shop floor sends: as fast as it can be taken, for as long as wanted, and from as many tags as a plant has. */
export async function benchLive({ messages, passes, seconds }: LiveBenchOptions): Promise<number> {
  return (
    (await benchMqtt(messages, passes)) +
    (await withPostgres((url) => benchValues({ perSecond: 5_000, seconds, storeUrl: url }))) +
    (await benchValues({ perSecond: 3_000, seconds, storeUrl: undefined })) +
    (await benchOpcUa(10_000, seconds))
  );
}
