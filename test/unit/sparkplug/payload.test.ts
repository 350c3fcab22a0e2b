import assert from 'node:assert/strict';
import fc from 'fast-check';
import { IntegrationError } from '../../../lib/model/errors';
import { decodePayload, encodePayload } from '../../../lib/protocols/sparkplug/codec/payload';
import { payloads } from './arbitrary';

const bytes = (...values: number[]) => Buffer.from(values);

function refusal(payload: Buffer): IntegrationError {
  try {
    decodePayload(payload);
  } catch (thrown) {
    assert.ok(thrown instanceof IntegrationError, String(thrown));
    return thrown;
  }
  return assert.fail(`${payload.toString('hex')} was accepted`);
}

describe('Sparkplug payload', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(payloads, (payload) => {
        assert.deepEqual(decodePayload(encodePayload(payload)), payload);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps 64-bit numbers exact', () => {
    const payload = { seq: 9007199254740993n, timestamp: 2n ** 64n - 1n };
    assert.deepEqual(decodePayload(encodePayload(payload)), payload);
  });

  it('skips what it does not know: extensions, groups, known fields of another wire type', () => {
    const unknown = [
      // Field 100 in each wire type.
      ...[0xa0, 0x06, 0x96, 0x01],
      ...[0xa1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8],
      ...[0xa2, 0x06, 2, 9, 9],
      ...[0xa3, 0x06, 0x08, 1, 0xa4, 0x06],
      ...[0xa5, 0x06, 1, 2, 3, 4],
      // seq as text, metrics as a number.
      ...[0x1a, 1, 65],
      ...[0x10, 7],
    ];
    assert.deepEqual(decodePayload(bytes(...unknown, 0x18, 5)), { seq: 5 });
  });

  it('takes the last member of a oneof, and joins a message that comes in parts', () => {
    const metric = [0x50, 5, 0x58, 6];
    assert.deepEqual(decodePayload(bytes(0x12, metric.length, ...metric)), { metrics: [{ long_value: 6 }] });
    // metadata {size: 1}, metadata {seq: 2}
    const parts = [0x42, 2, 0x18, 1, 0x42, 2, 0x20, 2];
    assert.deepEqual(decodePayload(bytes(0x12, parts.length, ...parts)), {
      metrics: [{ metadata: { size: 1, seq: 2 } }],
    });
  });

  it('reads packed numbers as well', () => {
    const metric = [0x8a, 0x01, 4, 0x1a, 2, 3, 4];
    assert.deepEqual(decodePayload(bytes(0x12, metric.length, ...metric)), {
      metrics: [{ dataset_value: { types: [3, 4] } }],
    });
  });

  const HOSTILE: Record<string, Buffer> = {
    'a number that is cut off': bytes(0x18, 0x80),
    'a number of eleven bytes': bytes(0x18, ...Array(10).fill(0x80), 1),
    'a length beyond the end': bytes(0x12, 0xff, 0xff, 0xff, 0xff, 0x0f),
    'a length beyond 32 bits': bytes(0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f),
    'field 0': bytes(0x00, 0x00),
    'an unknown wire type': bytes(0x0e),
    'the end of no group': bytes(0x1c),
    'a group without an end': bytes(0xa3, 0x06),
    'groups in groups': Buffer.alloc(100_000, bytes(0xa3, 0x06)),
    'templates in templates': nestedTemplates(2000),
    'millions of empty metrics': Buffer.alloc(2_000_000, bytes(0x12, 0)),
    'more than 16 MB': Buffer.alloc(16 * 1024 * 1024 + 1),
  };
  for (const [name, payload] of Object.entries(HOSTILE)) {
    it(`refuses ${name} with one error`, () => {
      const { class: errorClass, code } = refusal(payload);
      assert.deepEqual([errorClass, code], ['data', 'PCP_SPARKPLUG_MALFORMED']);
    });
  }

  it('never fails otherwise, whatever the bytes', () => {
    const mutated = fc
      .tuple(payloads, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }), fc.nat())
      .map(([payload, changes, cut]) => {
        const written = encodePayload(payload);
        for (const [place, byte] of changes) if (written.length > 0) written[place % written.length] = byte;
        return cut % 2 === 0 ? written : written.subarray(0, cut % (written.length + 1));
      });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 60 }).map(Buffer.from)), (payload) => {
        try {
          decodePayload(payload);
        } catch (thrown) {
          assert.equal((thrown as IntegrationError).code, 'PCP_SPARKPLUG_MALFORMED');
        }
      }),
      { numRuns: 5000 },
    );
  });
});

function nestedTemplates(depth: number): Buffer {
  let metric: Buffer = Buffer.alloc(0);
  for (let level = 0; level < depth; level += 1) {
    const template = encodeLength(0x12, metric);
    metric = encodeLength(0x92, template, 0x01);
  }
  return encodeLength(0x12, metric);
}

function encodeLength(tag: number, content: Buffer, secondTagByte?: number): Buffer {
  const length: number[] = [];
  let rest = content.length;
  for (; rest > 0x7f; rest >>= 7) length.push((rest & 0x7f) | 0x80);
  return Buffer.concat([bytes(tag, ...(secondTagByte === undefined ? [] : [secondTagByte]), ...length, rest), content]);
}
