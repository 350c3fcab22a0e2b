import { IntegrationError } from '../../../model/errors';
import type { MqttConnection } from '../../../protocols/mqtt/connection';
import { loadPayloadCodec, type PayloadCodec } from '../../../protocols/mqtt/payload';
import type { DescribedRequest, WriteGuarantee, WriteRecord, WriteResult, Writer, WriteTarget } from '../../contract';
import { LostAnswer, WriteRun } from '../../write-run';
import { descriptor } from './descriptor';
import { messageFor } from './message';
import { checkPublishable, type MqttSettings, type Topic } from './settings';

/** Publishes one message for each record, several ahead; a record is written when the broker has acknowledged it. */
export class MqttWriter implements Writer {
  private constructor(
    private readonly connect: (signal: AbortSignal) => Promise<MqttConnection>,
    private readonly topic: Topic,
    private readonly codec: PayloadCodec,
    private readonly settings: MqttSettings,
    private readonly target: Pick<WriteTarget, 'assertSafeToWrite'>,
  ) {}

  /** Dials nothing. @throws permission PCP_WRITE_REFUSED, config PCP_NOT_WRITABLE */
  static async open(
    connect: (signal: AbortSignal) => Promise<MqttConnection>,
    topic: Topic,
    settings: MqttSettings,
    target: Pick<WriteTarget, 'assertSafeToWrite'>,
  ): Promise<MqttWriter> {
    checkPublishable(topic, settings);
    const codec = await loadPayloadCodec([topic.setting?.format ?? 'json']);
    return new MqttWriter(connect, topic, codec, settings, target);
  }

  async write(records: WriteRecord[], signal: AbortSignal): Promise<WriteResult[]> {
    signal.throwIfAborted();
    const connection = await this.connect(signal);
    const ahead = Math.min(this.settings.receiveMaximum, connection.receiveMaximum);
    const run = new WriteRun(records.length, ahead, signal, this.target);
    const each = records.map((_, index) => [index]);
    await run.each(each, async ([index]) => {
      const message = messageFor(records[index!]!, this.topic, this.codec);
      await connection.publish(message, signal).catch((thrown: unknown) => {
        const error = IntegrationError.from(thrown);
        throw error.outcomeUnknown ? new LostAnswer(error, isRepeatable(this.topic)) : error;
      });
      run.results[index!] = { outcome: 'created' };
    });
    return run.end();
  }

  describeWrite(record: WriteRecord): DescribedRequest {
    const { topic, payload, qos, retain } = messageFor(record, this.topic, this.codec);
    const isText = this.topic.setting?.format !== 'buffer' && this.topic.setting?.format !== 'cbor';
    return {
      method: 'PUBLISH',
      url: topic,
      headers: { qos: String(qos), retain: String(retain) },
      body: payload.toString(isText ? 'utf8' : 'base64'),
    };
  }

  async finish(): Promise<void> {
    // Every message is with the broker when it is written.
  }

  async abandon(): Promise<void> {
    // As for finish: there is nothing to take back.
  }
}

/** The last message of a retained topic counts, however often it came. */
export function guaranteeOf(topic: Topic): WriteGuarantee {
  const idempotencyKey = topic.publish.idempotency_property !== undefined;
  return { ...descriptor.writes!, upsertByKey: isRepeatable(topic), idempotencyKey };
}

function isRepeatable({ publish }: Topic): boolean {
  return publish.repeatable ?? (publish.retain === true || publish.queue === true);
}
