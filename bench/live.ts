import { benchMqtt } from './live-mqtt';
import { benchOpcUa } from './live-opcua';
import { benchTakeover } from './live-takeover';
import { benchValues } from './live-values';
import { withPostgres } from './support/postgres';

export interface LiveBenchOptions {
  messages: number;
  passes: number;
  /** How long values keep coming. */
  seconds: number;
}

/** What the shop floor sends: as fast as it can be taken, for as long as wanted, from as many tags as a plant has, and past an instance that goes. */
export async function benchLive({ messages, passes, seconds }: LiveBenchOptions): Promise<number> {
  return (
    (await benchMqtt(messages, passes)) +
    (await withPostgres((url) => benchValues({ perSecond: 5_000, seconds, storeUrl: url }))) +
    (await benchValues({ perSecond: 3_000, seconds, storeUrl: undefined })) +
    (await benchOpcUa(10_000, seconds)) +
    (await withPostgres(benchTakeover))
  );
}
