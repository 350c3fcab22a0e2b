import type { AlertRule } from '../../model/alert';
import type { LiveOptions, LiveStatus } from '../../model/stream';
import { DEFAULT_SPOOL_BYTES } from '../../stream/definitions';
import type { Observation } from '../step';
import { type Facts, type FindFacts, inUse, type Reader } from './facts';

/** A live mapping is cut off when nothing was heard for so long, where the rule says nothing else. */
const CUT_OFF_SECONDS = 300;
const CUT_OFF: readonly LiveStatus['state'][] = ['connecting', 'interrupted', 'failed'];

interface LiveMapping {
  mappingId: number;
  connectionId: number;
  names: { mapping: string; connection: string };
  options: LiveOptions;
}

type Streams = () => ReadonlyMap<number, LiveStatus>;

/** How full the spools of this instance's live mappings are, in percent. */
export function bufferFacts(reader: Reader, streams: Streams): FindFacts {
  return (rule) =>
    ofStreams(reader, streams(), rule, ({ names, options }, { backlog, dropped, alarms }) => {
      const { max_bytes = DEFAULT_SPOOL_BYTES, max_records = Number.POSITIVE_INFINITY } = options;
      const fill = 100 * Math.max(backlog.bytes / max_bytes, backlog.records / max_records);
      const isLosing = alarms.some(({ kind }) => kind === 'dropped');
      const isFull = isLosing || alarms.some(({ kind }) => kind === 'full');
      return {
        value: isFull ? 100 : Math.floor(fill),
        details: { ...names, records: backlog.records, bytes: backlog.bytes, dropped, is_losing: isLosing },
      };
    });
}

/** For how many seconds this instance's live mappings have heard nothing: cut off, or silent for longer than they may be. */
export function silenceFacts(reader: Reader, streams: Streams): FindFacts {
  return (rule, now) =>
    ofStreams(reader, streams(), rule, ({ names }, { state, since, last_record_at, alarms, error }) => {
      const silent = alarms.find(({ kind }) => kind === 'silent');
      const isCutOff = CUT_OFF.includes(state);
      if (!isCutOff && silent === undefined) return null;
      const begun = Date.parse(isCutOff ? since : (silent?.since ?? since));
      return {
        value: Math.max(0, Math.floor((now - begun) / 1000)),
        threshold: isCutOff ? CUT_OFF_SECONDS : 0,
        details: {
          ...names,
          state,
          last_record_at,
          error_code: error?.code ?? null,
          error_message: error?.message ?? null,
          ...(error?.said && { error_said: error.said }),
        },
      };
    });
}

async function ofStreams(
  reader: Reader,
  streams: ReadonlyMap<number, LiveStatus>,
  rule: AlertRule,
  observe: (mapping: LiveMapping, status: LiveStatus) => Pick<Observation, 'value' | 'threshold' | 'details'> | null,
): Promise<Facts> {
  const mappings = await liveMappings(reader, rule);
  const observations = mappings.flatMap((mapping): Observation[] => {
    const { mappingId, connectionId } = mapping;
    const status = streams.get(mappingId);
    const found = status === undefined || status.state === 'standby' ? null : observe(mapping, status);
    return found === null ? [] : [{ subject: `stream:${mappingId}`, connectionId, mappingId, ...found }];
  });
  const elsewhere = mappings.filter(({ mappingId }) => (streams.get(mappingId)?.state ?? 'standby') === 'standby');
  const unknown = new Set(elsewhere.map(({ mappingId }) => `stream:${mappingId}`));
  return { observations, knows: (subject) => subject.startsWith('stream:') && !unknown.has(subject) };
}

async function liveMappings(reader: Reader, rule: AlertRule): Promise<LiveMapping[]> {
  const { sql, parameters } = inUse(rule);
  const rows = await reader.query(
    `SELECT m.id, m.name, m.connection_id, m.options, c.name AS connection
     FROM integration_mappings m JOIN integration_connections c ON c.id = m.connection_id
     WHERE m.sync_mode = 'live' AND ${sql}`,
    parameters,
  );
  return rows.map((row) => ({
    mappingId: Number(row.id),
    connectionId: Number(row.connection_id),
    names: { mapping: String(row.name), connection: String(row.connection) },
    options: (JSON.parse(String(row.options)) as { live?: LiveOptions }).live ?? {},
  }));
}
