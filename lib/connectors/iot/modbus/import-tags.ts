import { IntegrationError } from '../../../model/errors';
import { importRegisterMap } from '../../../protocols/modbus/register-map';
import { importSunSpecModel } from '../../../protocols/modbus/sunspec';
import type { TagDefaults } from '../../../protocols/modbus/tag';
import type { CallAnswer } from '../../contract';

const LONGEST_TEXT = 4_000_000;

/**
 * The operation `import_tags`: turns a register map into what the setting `tags` takes. Nothing is sent to a device.
 * @throws data PCP_MODBUS_MAP
 */
export function importTags(parameters: Record<string, unknown>, defaults: TagDefaults): CallAnswer {
  const { format = 'csv', base_address, prefix = '', repeats } = parameters;
  const content = isBlank(parameters.content) ? parameters.payload : parameters.content;
  if (format === 'csv') {
    const tags = importRegisterMap(textOf(content), defaults);
    return { payload: tags, tags: Object.keys(tags).length };
  }
  if (format !== 'sunspec') throw wrong('format', 'it is csv or sunspec');
  const tags = importSunSpecModel(
    typeof content === 'object' && !Buffer.isBuffer(content) ? content : parsed(content),
    {
      baseAddress: wholeNumber('base_address', base_address, 0),
      unitId: isBlank(parameters.unit_id) ? undefined : wholeNumber('unit_id', parameters.unit_id, 0),
      prefix: String(prefix),
      repeats: isBlank(repeats) ? 1 : wholeNumber('repeats', repeats, 1),
    },
  );
  return { payload: tags, tags: Object.keys(tags).length };
}

function parsed(content: unknown): unknown {
  const text = textOf(content);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw wrong('content', `it is no JSON: ${cause instanceof Error ? cause.message : cause}`);
  }
}

function textOf(content: unknown): string {
  const text = Buffer.isBuffer(content) ? content.toString('utf8') : content;
  if (typeof text !== 'string' || text.trim() === '') throw wrong('content', 'it is no text');
  if (text.length > LONGEST_TEXT) throw wrong('content', `it is longer than ${LONGEST_TEXT} characters`);
  return text;
}

function wholeNumber(name: string, value: unknown, least: number): number {
  const number = isBlank(value) ? Number.NaN : Number(value);
  if (Number.isInteger(number) && number >= least && number <= 65_535) return number;
  throw wrong(name, `it is a whole number from ${least} on`);
}

function isBlank(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function wrong(name: string, what: string): IntegrationError {
  return new IntegrationError('data', 'PCP_CALL_PARAMETER', `The parameter "${name}" of the call is wrong: ${what}.`, {
    path: `/${name}`,
    hint: 'Correct it in the node, or in the property of the message with this name.',
  });
}
