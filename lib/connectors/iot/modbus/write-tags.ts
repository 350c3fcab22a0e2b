import { IntegrationError } from '../../../model/errors';
import { decodeTag } from '../../../protocols/modbus/decode';
import { type Encoded, encodeTag } from '../../../protocols/modbus/encode';
import { bitAt, encodeRequest, READ_FUNCTIONS, type WriteRequest } from '../../../protocols/modbus/pdu';
import type { Tag } from '../../../protocols/modbus/tag';
import type { ConnectorEnvironment } from '../../contract';
import type { TagWrite, TagWritePlan, TagWriteResult } from '../../live';
import { readPower } from './read-tags';
import type { Session } from './session';
import { type ModbusSettings, resolveTag, type WriteRule } from './settings';
import type { WriteGuard } from './write-guard';

interface Prepared {
  tag: Tag;
  power: number;
  encoded: Encoded;
  request: WriteRequest;
  rule: WriteRule;
}

/**
 * Writes one value after the other, each at most once, and reads each back. All of them are checked before the first leaves:
 * one that is not allowed refuses them all.
 * @throws permission PCP_WRITE_REFUSED
 */
export async function writeTags(
  session: Session,
  settings: ModbusSettings,
  guard: WriteGuard,
  writes: readonly TagWrite[],
  log: ConnectorEnvironment['log'],
  signal: AbortSignal,
): Promise<TagWriteResult[]> {
  const prepared: (Prepared | IntegrationError)[] = [];
  const rules = [];
  for (const { tag: name, value } of writes) {
    try {
      const each = await prepare(async () => session, settings, guard, { tag: name, value }, signal);
      rules.push(each.rule);
      prepared.push(each);
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      if (error.code === 'PCP_WRITE_REFUSED') throw error;
      prepared.push(error);
    }
  }
  guard.count(rules);
  const results: TagWriteResult[] = [];
  for (const [index, each] of prepared.entries()) {
    const { tag, value } = writes[index] as TagWrite;
    if (each instanceof IntegrationError) {
      results.push({ tag, outcome: 'failed', error: each });
      continue;
    }
    const { function: code, address } = each.request;
    log(
      'info',
      `Writing ${JSON.stringify(value)} to ${tag}: unit ${each.tag.unitId}, function ${code}, address ${address}.`,
    );
    results.push({ tag, ...(await writeOne(session, each, signal)) });
  }
  return results;
}

/** What would be sent. A line is opened only where the device has to be asked for a scale factor. */
export function planTags(
  open: () => Promise<Session>,
  settings: ModbusSettings,
  guard: WriteGuard,
  writes: readonly TagWrite[],
  signal: AbortSignal,
): Promise<TagWritePlan[]> {
  return Promise.all(
    writes.map(async (write): Promise<TagWritePlan> => {
      const { tag: name } = write;
      try {
        const { tag, request } = await prepare(open, settings, guard, write, signal);
        const { function: code, address } = request;
        const pdu = encodeRequest(request).toString('hex');
        const { unitId: unit_id, table } = tag;
        return { tag: name, outcome: 'planned', request: { unit_id, function: code, table, address, pdu } };
      } catch (thrown) {
        return { tag: name, outcome: 'failed', error: IntegrationError.from(thrown) };
      }
    }),
  );
}

/** @throws permission PCP_WRITE_REFUSED, data PCP_MODBUS_VALUE, config PCP_MODBUS_TAG */
async function prepare(
  open: () => Promise<Session>,
  settings: ModbusSettings,
  guard: WriteGuard,
  { tag: name, value }: TagWrite,
  signal: AbortSignal,
): Promise<Prepared> {
  const tag = resolveTag(name, settings);
  const power = tag.scaleFactor === undefined ? 0 : await readPower(await open(), settings, tag, signal);
  const encoded = encodeTag(tag, value, power);
  return { tag, power, encoded, ...guard.choose(tag, encoded, value, settings.tags.has(name)) };
}

type Outcome<T = TagWriteResult> = T extends TagWriteResult ? Omit<T, 'tag'> : never;

async function writeOne({ client }: Session, prepared: Prepared, signal: AbortSignal): Promise<Outcome> {
  const { tag, request } = prepared;
  let answer: Buffer;
  try {
    answer = await client.request(tag.unitId, request, signal);
  } catch (thrown) {
    const error = IntegrationError.from(thrown);
    return { outcome: error.outcomeUnknown ? 'unknown' : 'failed', error };
  }
  try {
    const { unitId, table, address, count } = tag;
    const read = { function: READ_FUNCTIONS[table], address, count };
    const found = request.function === 23 ? answer : await client.request(unitId, read, signal);
    const { value } = decodeTag(tag, found, prepared.power);
    return { outcome: 'written', verified: isHeld(prepared.encoded, found), value };
  } catch {
    // It was written; what is there now is not known.
    return { outcome: 'written', verified: false, value: null };
  }
}

function isHeld(encoded: Encoded, found: Buffer): boolean {
  switch (encoded.kind) {
    case 'bit':
      return bitAt(found, 0) === encoded.value;
    case 'mask':
      return (found.readUInt16BE(0) & encoded.mask) === encoded.value;
    case 'registers':
      return found.equals(encoded.registers);
  }
}
