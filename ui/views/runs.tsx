import { useState } from 'preact/hooks';
import type { JobStatus, MovedTarget } from '../../lib/model/services';
import type { SyncLog } from '../../lib/model/sync';
import { get, type Page, post } from '../api';
import { duration, instant, number } from '../format';
import { Action, Failure, Name, Panel, State, Table, When, Why } from '../parts';
import { useHint, usePlant } from '../plant';
import { usePolled } from '../polled';
import { t, valueWord, type Word } from '../words';
import { RunNow } from './run-now';

const FAST_MS = 2_000;
const STATUSES = ['', 'in_progress', 'success', 'error'] as const;

/** "runs", "runs/of/<connection>", "runs/job/<job>" or "runs/<run>". */
export function Runs({ path: [first, second] }: { path: string[] }) {
  if (first === 'of') return <RunList which={{ connection_id: second ?? '' }} />;
  if (first === 'job') return <RunList which={{ job_id: second ?? '' }} />;
  return first === undefined ? <RunList which={{}} /> : <OneRun id={first} />;
}

function RunList({ which }: { which: Record<string, string> }) {
  const { connectionName, mappingName } = usePlant();
  const [status, setStatus] = useState('');
  const query = new URLSearchParams({ ...which, ...(status !== '' && { status }), limit: '100' });
  const { value, error, refresh } = usePolled(`runs ${query}`, () => get<Page<SyncLog>>(`sync/logs?${query}`), FAST_MS);
  return (
    <Panel
      title={t('view.runs')}
      aside={
        <select aria-label={t('state')} value={status} onChange={({ currentTarget }) => setStatus(currentTarget.value)}>
          {STATUSES.map((one) => (
            <option key={one} value={one}>
              {one === '' ? t('all') : t(`state.${one}` as Word)}
            </option>
          ))}
        </select>
      }
    >
      {error && <Failure error={error} />}
      <Table
        rows={value?.items}
        rowKey={({ id }) => id}
        none={t('runs.none')}
        columns={[
          { title: t('run'), cell: ({ id }) => <a href={`#/runs/${id}`}>#{id}</a> },
          { title: t('mapping'), cell: ({ mapping_id }) => <Name>{mappingName(mapping_id)}</Name> },
          { title: t('connection'), cell: ({ connection_id }) => <Name>{connectionName(connection_id)}</Name> },
          { title: t('direction'), cell: ({ direction }) => valueWord('direction', direction) },
          { title: t('state'), cell: ({ details }) => <State value={details.state} /> },
          { title: t('began'), cell: ({ started_at }) => <When at={started_at} /> },
          { title: t('time'), isNumber: true, cell: (run) => duration(lengthOf(run)) },
          { title: t('records'), isNumber: true, cell: (run) => <Progress run={run} /> },
          { title: t('refused'), isNumber: true, cell: ({ records_error }) => number(records_error) },
          { title: '', cell: (run) => <Cancel run={run} onDone={refresh} /> },
        ]}
      />
      {value?.next_cursor && <p class="none">{t('newestOnly', { count: value.items.length })}</p>}
    </Panel>
  );
}

function lengthOf({ started_at, ended_at }: SyncLog): number {
  const end = ended_at === null ? Date.now() : Date.parse(ended_at);
  return Math.max(end - Date.parse(started_at), 0);
}

function Progress({ run: { records_processed, status, details } }: { run: SyncLog }) {
  const { total, records_per_second, kind } = details;
  // A live one is at work for a moment now and then: its pace says nothing.
  if (status !== 'in_progress' || kind === 'live') return <>{number(records_processed)}</>;
  const rate = t('perSecond', { count: number(Math.round(records_per_second)) });
  return (
    <>
      {number(records_processed)}
      {total !== null && ` / ${number(total)}`} <span class="quiet">{rate}</span>
      {total !== null && total > 0 && <progress max={total} value={Math.min(records_processed, total)} />}
    </>
  );
}

function Cancel({ run, onDone }: { run: SyncLog; onDone(): void }) {
  // A live one would begin again by itself.
  if (run.status !== 'in_progress' || run.details.kind === 'live') return null;
  return (
    <Action
      of={`#${run.id}`}
      sure={t('sureCancel')}
      run={() => post<JobStatus>(`sync/status/${run.job_id}/cancel`)}
      then={onDone}
    >
      {t('cancel')}
    </Action>
  );
}

function OneRun({ id }: { id: string }) {
  const hint = useHint();
  const { connectionName, mappingName } = usePlant();
  const { value: run, error, refresh } = usePolled(`run ${id}`, () => get<SyncLog>(`sync/logs/${id}`), FAST_MS);
  if (run === undefined) return error ? <Failure error={error} /> : <p class="none">{t('reading')}</p>;
  const { details } = run;
  const counts: [Word, number][] = [
    ['count.processed', run.records_processed],
    ['count.created', details.created],
    ['count.updated', details.updated],
    ['count.unchanged', details.unchanged],
    ['count.deleted', details.deleted],
    ['count.filtered', details.filtered],
    ['count.conflicts', details.conflicts],
    ...(details.own === undefined ? [] : [['count.own', details.own] satisfies [Word, number]]),
    ['refused', run.records_error],
  ];
  return (
    <>
      <p class="trail">
        <a href="#/runs">{t('view.runs')}</a> › #{run.id}
      </p>
      {error && <Failure error={error} />}
      <Panel title={mappingName(run.mapping_id)} aside={<Cancel run={run} onDone={refresh} />}>
        <p>
          <State value={details.state} /> · {connectionName(run.connection_id)}, {valueWord('direction', run.direction)}
          , {valueWord('trigger', details.trigger ?? 'api')}, {instant(run.started_at)} ({duration(lengthOf(run))}
          {details.dry_run && `, ${t('dryRun')}`})
        </p>
        {run.error_message !== null && (
          <p class={`failure ${details.state}`}>
            <Why code={details.error_code} message={run.error_message} /> {hint(details.error_code ?? '', details.hint)}
          </p>
        )}
        {details.warnings?.map((warning) => (
          <p class="failure partial">{String(warning)}</p>
        ))}
        <dl class="counts">
          {counts.map(([word, count]) => (
            <div key={word}>
              <dt>{t(word)}</dt>
              <dd>{word === 'count.processed' ? <Progress run={run} /> : number(count)}</dd>
            </div>
          ))}
        </dl>
        {details.error_code === 'PCP_TARGET_MOVED' && <TargetDecision run={run} />}
        {run.records_error > 0 && <a href={`#/dead-letters/run/${run.id}`}>{t('itsDeadLetters')}</a>}
      </Panel>
      <Panel title={t('attempts')}>
        <Table
          rows={details.history ?? []}
          rowKey={({ started_at, worker }) => `${started_at} ${worker}`}
          none={t('attempts.none')}
          columns={[
            { title: t('began'), cell: ({ started_at }) => instant(started_at) },
            { title: t('ended'), cell: ({ ended_at }) => instant(ended_at) },
            { title: t('state'), cell: ({ state }) => (state === null ? '–' : <State value={state} />) },
            {
              title: t('why'),
              cell: ({ error_code, error_message }) => <Why code={error_code} message={error_message} />,
            },
            { title: t('worker'), cell: ({ worker }) => <span class="quiet">{worker}</span> },
          ]}
        />
      </Panel>
    </>
  );
}

/** Whether another address is another system only a person knows; then the mapping can run again. */
function TargetDecision({ run: { mapping_id, connection_id } }: { run: SyncLog }) {
  const { mappingName } = usePlant();
  const [isDecided, setDecided] = useState(false);
  const of = mappingName(mapping_id);
  const decision = (is: MovedTarget) => (
    <Action
      of={of}
      sure={t(`target.${is}.sure`, { name: of })}
      run={() => post(`mappings/${mapping_id}/target`, { is })}
      then={() => setDecided(true)}
    >
      {t(`target.${is}`)}
    </Action>
  );
  return (
    <p class="actions">
      {isDecided ? (
        <RunNow of={of} connectionId={connection_id} mappingId={mapping_id} />
      ) : (
        <>
          {decision('same')} {decision('other')}
        </>
      )}
    </p>
  );
}
