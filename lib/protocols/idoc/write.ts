import { IntegrationError } from '../../model/errors';
import { escapedXml, isXmlText } from '../formats/xml-serialiser';
import type { IdocType, Segment } from './types';

type Data = Record<string, unknown>;

/**
 * An IDoc as XML.
 * @param control fields of its control record
 * @param data segments by name, with fields and segments in them; lists for those that come several times
 * @throws data PCP_IDOC_VALUE with the path of the field: nothing was sent then
 */
export function idocXml({ type, segments }: IdocType, control: Readonly<Record<string, string>>, data: Data): string {
  const head = Object.entries(control).map(([name, value]) => element(name, value, name));
  const body = segmentsXml(data, segments, '');
  return `<?xml version="1.0" encoding="utf-8"?><${type}><IDOC BEGIN="1"><EDI_DC40 SEGMENT="1">${head.join('')}</EDI_DC40>${body}</IDOC></${type}>`;
}

/** In the order of the type. */
function segmentsXml(data: Data, known: readonly Segment[], path: string): string {
  const names = new Set(known.map(({ name }) => name));
  const other = Object.keys(data).find((name) => isSegment(data[name]) && !names.has(name));
  if (other !== undefined) throw refused(path + other, data[other], 'is no segment of this type');
  return known
    .flatMap((segment) => {
      const value = data[segment.name];
      if (value === undefined || value === null) return [];
      const list = Array.isArray(value) ? value : [value];
      const at = path + segment.name;
      if (list.length > 1 && segment.many !== true) throw refused(at, undefined, 'may come once only');
      return list.map((each, index) => segmentXml(each, segment, Array.isArray(value) ? `${at}[${index}]` : at));
    })
    .join('');
}

function segmentXml(value: unknown, { name, fields, moments, segments = [] }: Segment, path: string): string {
  if (!isSegment(value) || Array.isArray(value)) throw refused(path, value, 'must be an object of fields');
  const data = withoutMoments(value as Data, moments, path);
  const own = Object.entries(data).filter(([, inner]) => !isSegment(inner));
  const unknown = own.find(([field]) => !Object.hasOwn(fields, field));
  if (unknown !== undefined) throw refused(`${path}.${unknown[0]}`, unknown[1], 'is no field of this segment');
  const written = Object.entries(fields).flatMap(([field, length]) => {
    const inner = data[field];
    if (inner === undefined || inner === null || inner === '') return [];
    const text = String(inner);
    if ([...text].length > length) throw refused(`${path}.${field}`, inner, `is longer than ${length} characters`);
    return [element(field, text, `${path}.${field}`)];
  });
  const nested = segmentsXml(
    Object.fromEntries(Object.entries(data).filter(([, inner]) => isSegment(inner))),
    segments,
    `${path}.`,
  );
  return `<${name} SEGMENT="1">${written.join('')}${nested}</${name}>`;
}

/** Each moment as the two fields that SAP has. */
function withoutMoments(data: Data, moments: Segment['moments'] = {}, path: string): Data {
  const given = Object.keys(moments).filter((name) => Object.hasOwn(data, name));
  if (given.length === 0) return data;
  const result = { ...data };
  for (const name of given) {
    delete result[name];
    const value = data[name] ?? '';
    if (value === '') continue;
    if (!/^\d{14}$/.test(String(value))) throw refused(`${path}.${name}`, value, 'must be a time, "YYYYMMDDHHmmss"');
    const [day = '', time = ''] = moments[name] ?? [];
    Object.assign(result, { [day]: String(value).slice(0, 8), [time]: String(value).slice(8) });
  }
  return result;
}

function element(name: string, text: string, path: string): string {
  if (!isXmlText(text)) throw refused(path, text, 'holds a character that XML does not allow');
  return `<${name}>${escapedXml(text)}</${name}>`;
}

function isSegment(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function refused(path: string, value: unknown, why: string): IntegrationError {
  return new IntegrationError('data', 'PCP_IDOC_VALUE', `"${path}" ${why}.`, {
    path,
    ...(value !== undefined && !isSegment(value) && { value: String(value).slice(0, 100) }),
    hint: 'Correct the record or the mapping; nothing was sent.',
  });
}
