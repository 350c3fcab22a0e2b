import { IntegrationError } from '../../../model/errors';
import { type Decoded, decodeTag } from '../../../protocols/modbus/decode';
import { ModbusException } from '../../../protocols/modbus/errors';
import { type Answer, readRanges } from '../../../protocols/modbus/read-ranges';
import type { Tag } from '../../../protocols/modbus/tag';
import type { TagValue } from '../../live';
import type { Session } from './session';
import type { ModbusSettings } from './settings';

/**
 * Values now, in order; a tag that cannot be read is bad and says why.
 * @throws what broke the line
 */
export async function readTags(
  { client, holes }: Session,
  settings: ModbusSettings,
  tags: readonly Tag[],
  signal: AbortSignal,
): Promise<TagValue[]> {
  const wanted = new Set(tags);
  for (const { scaleFactor } of tags) {
    const factor = scaleFactor === undefined ? undefined : settings.tags.get(scaleFactor);
    if (factor !== undefined) wanted.add(factor);
  }
  const answers = await readRanges(client, [...wanted], settings.limits, holes, signal);
  const receivedAt = new Date().toISOString();
  return tags.map((tag) => tagValue(tag, receivedAt, decode(tag, answers, settings)));
}

export function tagValue(
  { name, unit }: { name: string; unit?: string | undefined },
  receivedAt: string,
  { value, status }: Decoded,
): TagValue {
  const record: TagValue = {
    tag: name,
    value,
    quality: status === undefined ? 'good' : 'bad',
    source_timestamp: null,
    received_at: receivedAt,
  };
  if (status !== undefined) record.status = status;
  if (unit !== undefined) record.unit = unit;
  return record;
}

/**
 * The power of ten by which a tag is multiplied, now.
 * @throws what keeps it from being read
 */
export async function readPower(
  { client, holes }: Session,
  settings: ModbusSettings,
  tag: Tag,
  signal: AbortSignal,
): Promise<number> {
  const factor = tag.scaleFactor === undefined ? undefined : settings.tags.get(tag.scaleFactor);
  if (factor === undefined) return 0;
  const answer = (await readRanges(client, [factor], settings.limits, holes, signal)).get(factor);
  if (answer instanceof IntegrationError) throw answer;
  const power = powerOf(factor, answer);
  if (power !== undefined) return power;
  throw new IntegrationError(
    'data',
    'PCP_MODBUS_VALUE',
    `The scale factor of tag "${tag.name}" is not available now.`,
    {
      hint: 'The device has no value for it: look at the device.',
    },
  );
}

function decode(tag: Tag, answers: ReadonlyMap<Tag, Answer>, settings: ModbusSettings): Decoded {
  const answer = answers.get(tag);
  if (answer === undefined || answer instanceof IntegrationError) return { value: null, status: statusOf(answer) };
  if (tag.scaleFactor === undefined) return decodeTag(tag, answer);
  const factor = settings.tags.get(tag.scaleFactor);
  const power = factor === undefined ? undefined : powerOf(factor, answers.get(factor));
  return power === undefined ? { value: null, status: 'no scale factor' } : decodeTag(tag, answer, power);
}

const LARGEST_POWER = 20;

function powerOf(factor: Tag, answer: Answer | undefined): number | undefined {
  if (!Buffer.isBuffer(answer)) return undefined;
  const { value } = decodeTag(factor, answer);
  return Number.isInteger(value) && Math.abs(value as number) <= LARGEST_POWER ? (value as number) : undefined;
}

function statusOf(error: IntegrationError | undefined): string {
  if (error instanceof ModbusException) return `exception ${error.exception}`;
  return error === undefined || error.class === 'transient' ? 'no answer' : error.code;
}
