import { IntegrationError } from '../../model/errors';
import { CsvParser } from '../formats/csv-parser';
import { readNodeSet } from './node-set';

/** A tag as a list gives it: an entry of the connection's `tags`. */
export interface ListedTag {
  node_id: string;
  unit?: string;
  description?: string;
  scale?: number;
  offset?: number;
  sampling_interval_ms?: number;
  deadband?: number;
}

const TEXTS = ['unit', 'description'] as const;
const NUMBERS = ['scale', 'offset', 'sampling_interval_ms', 'deadband'] as const;
const MOST_TAGS = 20_000;
const LONGEST_ROW = 100_000;

/**
 * The tags of a NodeSet2 file (XML), or of a CSV table with a header: name and node_id, and what else a tag has.
 * @throws data PCP_OPCUA_TAG_LIST
 */
export function readTagList(text: string): Record<string, ListedTag> {
  const content = text.replace(/^\uFEFF/, '').trimStart();
  const found = content.startsWith('<') ? readNodeSet(content) : readTable(content);
  if (found.size === 0) throw badList('it has no tags');
  if (found.size > MOST_TAGS) throw badList(`it has more than ${MOST_TAGS} tags`);
  return Object.fromEntries(found);
}

/** The delimiter is the one that the header has more of. */
function readTable(text: string): Map<string, ListedTag> {
  const [header = ''] = text.split('\n', 1);
  const delimiter = [';', '\t', ','].reduce(
    (best, each) => (header.split(each).length > header.split(best).length ? each : best),
    ',',
  );
  const options = { delimiter, quote: '"', header: true, columns: undefined, comment: '#' };
  const tags = new Map<string, ListedTag>();
  const parser = new CsvParser(options, { fileName: 'tags', maxRecordLength: LONGEST_ROW }, (row, line) => {
    const name = String(row.name ?? '').trim();
    const nodeId = String(row.node_id ?? '').trim();
    if (name === '' || nodeId === '') throw badList(`line ${line} has no name or no node_id`);
    if (tags.has(name)) throw badList(`line ${line} has the name "${name}" again`);
    const tag: ListedTag = { node_id: nodeId };
    for (const key of TEXTS) if (row[key]) tag[key] = String(row[key]);
    for (const key of NUMBERS) {
      if (!row[key]) continue;
      const number = Number(String(row[key]).replace(',', '.'));
      if (!Number.isFinite(number)) throw badList(`line ${line}: "${key}" is no number`);
      tag[key] = number;
    }
    tags.set(name, tag);
  });
  try {
    parser.write(text);
    parser.end();
  } catch (thrown) {
    if (thrown instanceof IntegrationError && thrown.code === 'PCP_OPCUA_TAG_LIST') throw thrown;
    throw badList(IntegrationError.from(thrown).message, thrown);
  }
  return tags;
}

export function badList(why: string, cause?: unknown): IntegrationError {
  return new IntegrationError('data', 'PCP_OPCUA_TAG_LIST', `The list of tags cannot be read: ${why}.`, {
    hint: 'Give a NodeSet2 file (XML), or CSV with the columns name and node_id.',
    ...(cause !== undefined && { cause }),
  });
}
