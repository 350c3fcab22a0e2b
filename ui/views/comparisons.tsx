import type { Difference, DifferenceKind, KnownReason, Reconciliation } from '../../lib/model/reconciliation';
import { get, list, post } from '../api';
import { instant, number, percent } from '../format';
import { Action, Fact, Failure, Name, Panel, State, Table, When } from '../parts';
import { type Mapping, usePlant } from '../plant';
import { usePolled } from '../polled';
import { t, valueWord, type Word } from '../words';

type WithSample = Reconciliation & { sample: Difference[] };

/** "comparisons" or "comparisons/<id>". */
export function Comparisons({ path: [id] }: { path: string[] }) {
  return id === undefined ? <AllComparisons /> : <OneComparison key={id} id={id} />;
}

function AllComparisons() {
  const { mappings, connectionName } = usePlant();
  const { value, error, refresh } = usePolled('comparisons', () => list<Reconciliation>('reconciliations'));
  const newest = ({ id }: Mapping) => value?.find(({ mapping_id, state }) => mapping_id === id && state !== 'skipped');
  const count = (row: Mapping, of: (found: Reconciliation) => number | null | undefined) => {
    const found = newest(row);
    const counted = found && of(found);
    return counted === null || counted === undefined ? '–' : number(counted);
  };
  return (
    <Panel title={t('view.comparisons')}>
      {error && <Failure error={error} />}
      <Table
        rows={mappings?.filter(({ sync_mode }) => sync_mode !== 'live')}
        rowKey={({ id }) => id}
        none={t('mappings.none')}
        columns={[
          {
            title: t('mapping'),
            cell: (row) => {
              const found = newest(row);
              return found === undefined ? row.name : <a href={`#/comparisons/${found.id}`}>{row.name}</a>;
            },
          },
          { title: t('connection'), cell: ({ connection_id }) => <Name>{connectionName(connection_id)}</Name> },
          {
            title: t('state'),
            cell: (row) => {
              const found = newest(row);
              return found === undefined ? t('never') : <Outcome of={found} />;
            },
          },
          { title: t('compared'), cell: (row) => <Compared of={newest(row)} /> },
          { title: t('source'), isNumber: true, cell: (row) => count(row, ({ source }) => source?.count) },
          { title: t('target'), isNumber: true, cell: (row) => count(row, ({ target }) => target?.count) },
          { title: t('differences'), isNumber: true, cell: (row) => count(row, ({ total }) => total) },
          {
            title: '',
            cell: ({ id, name, is_active }) =>
              is_active && (
                <Action of={name} run={() => post(`mappings/${id}/reconcile`)} then={refresh}>
                  {t('compareNow')}
                </Action>
              ),
          },
        ]}
      />
    </Panel>
  );
}

function Compared({ of: found }: { of: Reconciliation | undefined }) {
  return found === undefined ? <>–</> : <When at={found.ended_at ?? found.started_at} />;
}

/** Whether both sides agree; before that is known, how far it is. */
function Outcome({ of: { status, state, total } }: { of: Reconciliation }) {
  if (status === 'success') return <State group="comparison" value={total === 0 ? 'ok' : 'differ'} />;
  return state === 'waiting_retry' ? <State group="comparison" value="pending" /> : <State value={state} />;
}

function OneComparison({ id }: { id: string }) {
  const plant = usePlant();
  const path = `reconciliations/${id}`;
  const { value, error, refresh } = usePolled(`comparison ${id}`, () => get<WithSample>(path), 2_000);
  if (value === undefined) return error ? <Failure error={error} /> : <p class="none">{t('reading')}</p>;
  const mapping = plant.mappings?.find((one) => one.id === value.mapping_id);
  const sides = [plant.connectionName(value.connection_id), plant.connectionName(mapping?.peer_connection_id ?? 0)];
  const [source = '', target = ''] = value.direction === 'import' ? sides : sides.reverse();
  const left = (value.total ?? 0) - value.repairable;
  return (
    <>
      <p class="trail">
        <a href="#/comparisons">{t('view.comparisons')}</a> › {plant.mappingName(value.mapping_id)}
      </p>
      <Panel title={`${source} → ${target}`} aside={<Outcome of={value} />}>
        {error && <Failure error={error} />}
        {value.error && (
          <p class="failure" role="alert">
            <strong>{value.error.message}</strong> {value.error.hint} <code>{value.error.code}</code>
          </p>
        )}
        {!value.is_complete && <p class="failure partial">{t('comparison.incomplete')}</p>}
        <dl class="counts">
          <Fact title={t('recordsOf', { side: source })}>{value.source ? number(value.source.count) : '–'}</Fact>
          <Fact title={t('recordsOf', { side: target })}>{value.target ? number(value.target.count) : '–'}</Fact>
          <Fact title={t('differences')}>{value.total === null ? '–' : number(value.total)}</Fact>
          <Fact title={t('drift')}>{percent(value.drift_ratio)}</Fact>
          <Fact title={t('began')}>{instant(value.started_at)}</Fact>
          <Fact title={t('secondLook')}>{instant(value.settled_at)}</Fact>
          <Fact title={t('ended')}>{instant(value.ended_at)}</Fact>
          <Fact title={t('run')}>
            <a href={`#/runs/${value.sync_log_id}`}>#{value.sync_log_id}</a>
          </Fact>
        </dl>
        {value.differences && (
          <dl class="counts">
            {countsOf(value.differences).map(([kind, count]) => (
              <Fact key={kind} title={kindWord(kind, source, target)}>
                {number(count)}
              </Fact>
            ))}
            {countsOf(value.known ?? {}).map(([reason, count]) => (
              <Fact key={reason} title={`${t('known')}: ${valueWord('known', reason)}`}>
                {number(count)}
              </Fact>
            ))}
          </dl>
        )}
        <p class="actions">
          {value.status === 'in_progress' ? (
            <Action run={() => post(`${path}/cancel`)} then={refresh}>
              {t('cancel')}
            </Action>
          ) : (
            <Action run={() => again(value.mapping_id)}>{t('compareNow')}</Action>
          )}
          {value.repairable > 0 && (
            <Action
              sure={t('sureRepair', { count: number(value.repairable), target, left: number(left) })}
              run={() => post(`${path}/repair`)}
              then={refresh}
            >
              {t('repair')}
            </Action>
          )}
          {value.repair_job_id && <a href={`#/runs/job/${value.repair_job_id}`}>{t('repairRun')}</a>}
        </p>
      </Panel>
      <Panel title={t('differences')}>
        <Table
          rows={value.sample.map((difference, index) => ({ ...difference, index }))}
          rowKey={({ index }) => index}
          none={t(value.total === null ? 'comparison.notYet' : 'comparison.none')}
          columns={[
            { title: t('key'), cell: ({ key }) => <code class="long">{key.map(String).join(' / ')}</code> },
            {
              title: t('what'),
              cell: ({ kind, known }) => (
                <>
                  {kindWord(kind, source, target)}
                  {known !== null && <span class="quiet"> ({valueWord('known', known)})</span>}
                </>
              ),
            },
            { title: t('field'), cell: ({ fields }) => <Lines of={fields.map(({ field }) => field)} /> },
            { title: source, cell: ({ fields }) => <Lines of={fields.map((field) => field.source)} /> },
            { title: `${target} `, cell: ({ fields }) => <Lines of={fields.map((field) => field.target)} /> },
          ]}
        />
        {(value.total ?? 0) > value.sample.length && (
          <p class="none">{t('comparison.some', { count: number(value.sample.length) })}</p>
        )}
      </Panel>
    </>
  );
}

async function again(mappingId: number): Promise<void> {
  const { id } = await post<Reconciliation>(`mappings/${mappingId}/reconcile`);
  location.hash = `#/comparisons/${id}`;
}

/** What differs in a record, field by field: one line each in all columns. */
function Lines({ of: lines }: { of: readonly (string | null)[] }) {
  if (lines.length === 0) return <>–</>;
  return (
    <>
      {lines.map((line, index) => (
        <div key={index}>{line === null ? <span class="quiet">{t('nothing')}</span> : <code>{line}</code>}</div>
      ))}
    </>
  );
}

function kindWord(kind: DifferenceKind, source: string, target: string): string {
  return t(`difference.${kind}` as Word, { source, target });
}

function countsOf<Name extends DifferenceKind | KnownReason>(counts: Partial<Record<Name, number>>): [Name, number][] {
  return (Object.entries(counts) as [Name, number][]).filter(([, count]) => count > 0);
}
