import type { Alert } from '../../lib/model/alert';
import type { RunMetrics } from '../../lib/model/metrics';
import type { SyncLog } from '../../lib/model/sync';
import { get, type Page } from '../api';
import { duration, instant, number, percent, relative } from '../format';
import { Failure, Name, Panel, State, Table, When } from '../parts';
import { type Connection, type Mapping, usePlant } from '../plant';
import { usePolled } from '../polled';
import { t, valueWord } from '../words';
import { ConnectionFacts } from './connection-facts';
import { History } from './history';
import { RunNow } from './run-now';

type Summary = { items: RunMetrics[] };

const EVERY_MS = 10_000;

/** All connections, or the mappings of one. */
export function Connections({ path: [id] }: { path: string[] }) {
  return id === undefined ? <AllConnections /> : <OneConnection id={Number(id)} />;
}

function AllConnections() {
  const { connections, mappings = [], alerts } = usePlant();
  const metrics = usePolled('by connection', () => get<Summary>('metrics/summary?by=connection'), EVERY_MS);
  const of = ({ id }: Connection) => metrics.value?.items.find((item) => item.connection_id === id);
  return (
    <>
      <History />
      <Panel title={t('view.connections')}>
        {metrics.error && <Failure error={metrics.error} />}
        <Table
          rows={connections}
          rowKey={({ id }) => id}
          none={t('connections.none')}
          columns={[
            {
              title: t('connection'),
              cell: ({ id, name }) => (
                <a class="long" href={`#/connections/${id}`}>
                  {name}
                </a>
              ),
            },
            { title: t('type'), cell: ({ connector_type }) => <code>{connector_type}</code> },
            {
              title: t('state'),
              cell: (row) => (
                <span title={row.paused?.reason}>
                  <State value={stateOf(row, mappings)} />
                </span>
              ),
            },
            {
              title: t('view.alerts'),
              isNumber: true,
              cell: ({ id }) => <AlertCount alerts={alerts.filter(({ connection_id }) => connection_id === id)} />,
            },
            {
              title: t('lastRun'),
              cell: (row) =>
                isLive(row, mappings) ? <LastRecord of={activeOf(row, mappings)} /> : <When at={row.last_sync_at} />,
            },
            { title: t('nextRun'), cell: ({ next_runs: [next] }) => <NextRun at={next} /> },
            ...metricColumns(of),
            {
              title: '',
              cell: (row) => row.is_active && !isLive(row, mappings) && <RunNow of={row.name} connectionId={row.id} />,
            },
          ]}
        />
      </Panel>
    </>
  );
}

function OneConnection({ id }: { id: number }) {
  const plant = usePlant();
  const connection = plant.connections?.find((one) => one.id === id);
  const mappings = plant.mappings?.filter(({ connection_id }) => connection_id === id);
  const runs = usePolled(
    `last runs ${id}`,
    () => get<Page<SyncLog>>(`sync/logs?connection_id=${id}&limit=200`),
    EVERY_MS,
  );
  const lastOf = (mapping: Mapping) => runs.value?.items.find((run) => run.mapping_id === mapping.id);
  const metrics = usePolled(
    `by mapping ${id}`,
    () => get<Summary>(`metrics/summary?by=mapping&connection_id=${id}`),
    EVERY_MS,
  );
  const of = (mapping: Mapping) => metrics.value?.items.find((item) => item.mapping_id === mapping.id);
  return (
    <>
      <p class="trail">
        <a href="#/connections">{t('view.connections')}</a> › {plant.connectionName(id)}
      </p>
      {connection && <ConnectionFacts connection={connection} state={stateOf(connection, plant.mappings ?? [])} />}
      <History connectionId={id} />
      <Panel title={t('mappings')} aside={<a href={`#/runs/of/${id}`}>{t('view.runs')}</a>}>
        {metrics.error && <Failure error={metrics.error} />}
        <Table
          rows={mappings}
          rowKey={(row) => row.id}
          none={t('mappings.none')}
          columns={[
            { title: t('mapping'), cell: ({ name }) => <Name>{name}</Name> },
            { title: t('entity'), cell: ({ entity_type }) => <code>{entity_type}</code> },
            { title: t('direction'), cell: ({ direction }) => valueWord('direction', direction) },
            { title: t('state'), cell: (row) => <State value={mappingState(row, lastOf(row))} /> },
            {
              title: t('view.alerts'),
              isNumber: true,
              cell: (row) => <AlertCount alerts={plant.alerts.filter(({ mapping_id }) => mapping_id === row.id)} />,
            },
            {
              title: t('lastRun'),
              cell: (row) => (row.sync_mode === 'live' ? <LastRecord of={[row]} /> : <LastRun run={lastOf(row)} />),
            },
            { title: t('nextRun'), cell: (mapping) => <NextRun at={nextOf(mapping, connection)} /> },
            ...metricColumns(of),
            {
              title: '',
              cell: (row) =>
                row.is_active &&
                row.sync_mode !== 'live' && <RunNow of={row.name} connectionId={id} mappingId={row.id} />,
            },
          ]}
        />
      </Panel>
    </>
  );
}

function metricColumns<T>(of: (row: T) => RunMetrics | undefined) {
  const column = (title: string, show: (metrics: RunMetrics) => string) => ({
    title,
    isNumber: true,
    cell: (row: T) => {
      const metrics = of(row);
      return metrics === undefined ? '–' : show(metrics);
    },
  });
  return [
    column(t('successRate'), ({ success_rate }) => percent(success_rate)),
    column(t('meanTime'), ({ duration_ms }) => (duration_ms === null ? '–' : duration(duration_ms.mean))),
    column(t('records'), ({ records }) => number(records.processed)),
    column(t('refused'), ({ records }) => number(records.errors)),
  ];
}

/** From good to bad: a connection that only listens is as its worst mapping. */
const LIVE_STATES = ['standby', 'connected', 'connecting', 'silent', 'interrupted', 'failed'];

function stateOf(connection: Connection, mappings: readonly Mapping[]): string {
  if (!connection.is_active) return 'inactive';
  if (connection.paused) return 'paused';
  if (!isLive(connection, mappings)) return connection.last_sync_status ?? 'idle';
  const states = activeOf(connection, mappings).map(({ live }) => live?.state ?? 'connecting');
  return states.reduce((worst, state) => (LIVE_STATES.indexOf(state) > LIVE_STATES.indexOf(worst) ? state : worst));
}

/** There is something to listen to, and nothing to start. */
function isLive(connection: Connection, mappings: readonly Mapping[]): boolean {
  const active = activeOf(connection, mappings);
  return active.length > 0 && active.every(({ sync_mode }) => sync_mode === 'live');
}

function activeOf({ id }: Connection, mappings: readonly Mapping[]): Mapping[] {
  return mappings.filter(({ connection_id, is_active }) => connection_id === id && is_active);
}

function mappingState({ is_active, live, flow_error, sync_mode }: Mapping, last: SyncLog | undefined): string {
  if (flow_error !== null) return 'refused';
  if (!is_active) return 'inactive';
  return sync_mode === 'live' ? (live?.state ?? 'connecting') : (last?.details.state ?? 'idle');
}

/** What has no schedule of its own, and follows nothing, runs with its connection. */
function nextOf(
  { next_runs, schedule, depends_on, sync_mode, is_active }: Mapping,
  connection: Connection | undefined,
) {
  const isWithConnection = schedule === null && depends_on.length === 0 && sync_mode !== 'live' && is_active;
  return isWithConnection ? connection?.next_runs[0] : next_runs[0];
}

function NextRun({ at }: { at: string | undefined }) {
  return at === undefined ? <>–</> : <When at={at} />;
}

function LastRun({ run }: { run: SyncLog | undefined }) {
  if (run === undefined) return <>–</>;
  return (
    <a href={`#/runs/${run.id}`}>
      <When at={run.started_at} />
    </a>
  );
}

/** What is listened to has no last run that says anything: when it was last heard does. */
function LastRecord({ of: mappings }: { of: readonly Mapping[] }) {
  const heard = mappings.flatMap(({ live }) => live?.last_record_at ?? []).sort();
  const last = heard.at(-1);
  const rate = mappings.reduce((sum, { live }) => sum + (live?.records_per_second ?? 0), 0);
  if (last === undefined) return <span class="quiet">{t('nothingHeard')}</span>;
  return (
    <span title={instant(last)}>
      {t('heard', { when: relative(last) })}{' '}
      <span class="quiet">{t('perSecond', { count: number(Math.round(rate)) })}</span>
    </span>
  );
}

function AlertCount({ alerts }: { alerts: readonly Alert[] }) {
  if (alerts.length === 0) return <>0</>;
  return (
    <a class="state bad" href="#/alerts">
      {alerts.length}
    </a>
  );
}
