import type * as address from 'node-opcua-address-space' with { 'resolution-mode': 'import' };
import { opcUaLibrary } from '../../../lib/protocols/opcua/library';

const { ua } = opcUaLibrary();

type Callback = (error: Error | null, result?: InstanceType<typeof ua.HistoryReadResult>) => void;
type HistoryRead = (
  context: unknown,
  details: InstanceType<typeof ua.HistoryReadDetails>,
  range: unknown,
  encoding: unknown,
  continuation: unknown,
  callback: Callback,
) => void;

/** The history of a node as servers of several makes give it. */
export class Historian {
  /** False: full pages, and no word of whether there is more. */
  givesContinuationPoints = true;
  readonly #values: { time: number; value: number }[] = [];

  constructor(variable: address.UAVariable) {
    const node = variable as unknown as { _historyRead: HistoryRead };
    const raw = node._historyRead.bind(node);
    node._historyRead = (context, details, range, encoding, continuation, callback) => {
      if (details instanceof ua.ReadProcessedDetails) {
        callback(null, this.#averages(details));
        return;
      }
      raw(context, details, range, encoding, continuation, (error, result) => {
        if (result !== undefined && !this.givesContinuationPoints) result.continuationPoint = Buffer.alloc(0);
        callback(error, result);
      });
    };
  }

  record(time: Date, value: unknown): void {
    if (typeof value === 'number') this.#values.push({ time: time.getTime(), value });
  }

  #averages({ startTime, endTime, processingInterval, aggregateType }: InstanceType<typeof ua.ReadProcessedDetails>) {
    if (aggregateType?.[0]?.value !== ua.AggregateFunction.Average || startTime === null || endTime === null) {
      return new ua.HistoryReadResult({ statusCode: ua.StatusCodes.BadAggregateNotSupported });
    }
    const dataValues = [];
    for (let from = startTime.getTime(); from < endTime.getTime(); from += processingInterval) {
      const inside = this.#values.filter(({ time }) => time >= from && time < from + processingInterval);
      const sum = inside.reduce((total, { value }) => total + value, 0);
      const value = { dataType: ua.DataType.Double, value: sum / inside.length };
      dataValues.push({ sourceTimestamp: new Date(from), value, statusCode: ua.StatusCodes.Good });
    }
    return new ua.HistoryReadResult({
      historyData: new ua.HistoryData({ dataValues }),
      statusCode: ua.StatusCodes.Good,
    });
  }
}
