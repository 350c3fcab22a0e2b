import type { WebhookView } from '../../lib/model/services';
import type { WebhookExecution } from '../../lib/model/webhook';
import { get, list, type Page, post } from '../api';
import { instant, number } from '../format';
import { Action, Failure, Panel, State, Table, When } from '../parts';
import { usePolled } from '../polled';
import { t, valueWord } from '../words';

const DAY = 86_400_000;

/** All webhooks, or what one was told. */
export function Webhooks({ path: [id] }: { path: string[] }) {
  return id === undefined ? <AllWebhooks /> : <Executions key={id} id={id} />;
}

function AllWebhooks() {
  const { value, error, refresh } = usePolled('webhooks', () => list<WebhookView>('webhooks'));
  return (
    <Panel title={t('view.webhooks')}>
      {error && <Failure error={error} />}
      <Table
        rows={value}
        rowKey={({ id }) => id}
        none={t('webhooks.none')}
        columns={[
          { title: t('webhook'), cell: ({ id, name }) => <a href={`#/webhooks/${id}`}>{name}</a> },
          { title: t('address'), cell: ({ url }) => <code class="long">{url}</code> },
          { title: t('events'), cell: ({ event_type }) => <code>{event_type}</code> },
          {
            title: t('state'),
            cell: ({ is_active, disabled_reason }) => (
              <>
                <State value={is_active ? 'active' : disabled_reason === null ? 'inactive' : 'disabled'} />{' '}
                {disabled_reason && <span class="quiet">{valueWord('disabled', disabled_reason)}</span>}
              </>
            ),
          },
          {
            title: t('failingSince'),
            cell: ({ failing_since }) => (failing_since === null ? '–' : <When at={failing_since} />),
          },
          {
            title: '',
            cell: ({ id, is_active, name }) =>
              is_active && (
                <Action of={name} run={() => post(`webhooks/${id}/trigger`)} then={refresh}>
                  {t('sendTest')}
                </Action>
              ),
          },
        ]}
      />
    </Panel>
  );
}

function Executions({ id }: { id: string }) {
  const path = `webhooks/${id}`;
  const { value, error, refresh } = usePolled(`executions ${id}`, async () => {
    const [webhook, executions] = await Promise.all([
      get<WebhookView>(path),
      get<Page<WebhookExecution>>(`${path}/executions?limit=100`),
    ]);
    return { webhook, executions };
  });
  const redeliverFailed = () => post(`${path}/redeliver`, { since: new Date(Date.now() - DAY).toISOString() });
  return (
    <>
      <p class="trail">
        <a href="#/webhooks">{t('view.webhooks')}</a> › {value?.webhook.name}
      </p>
      <Panel
        title={t('executions')}
        aside={
          <Action sure={t('sureRedeliver')} run={redeliverFailed} then={refresh}>
            {t('redeliverFailed')}
          </Action>
        }
      >
        {error && <Failure error={error} />}
        <Table
          rows={value?.executions.items}
          rowKey={(row) => row.id}
          none={t('executions.none')}
          columns={[
            { title: t('event'), cell: ({ event_type, event_id }) => <code title={event_id}>{event_type}</code> },
            { title: t('state'), cell: ({ status }) => <State value={status} /> },
            { title: t('at'), cell: ({ created_at }) => instant(created_at) },
            { title: t('tried'), isNumber: true, cell: ({ attempts }) => number(attempts.length) },
            { title: t('answer'), isNumber: true, cell: ({ response_status }) => response_status ?? '–' },
            {
              title: t('why'),
              cell: ({ error_message, error_code }) =>
                error_message && (
                  <>
                    {error_message} <code>{error_code}</code>
                  </>
                ),
            },
            {
              title: t('nextAttempt'),
              cell: ({ next_attempt_at }) => (next_attempt_at === null ? '–' : <When at={next_attempt_at} />),
            },
            {
              title: '',
              cell: (row) =>
                row.status !== 'pending' && (
                  <Action of={row.event_id} run={() => post(`${path}/executions/${row.id}/redeliver`)} then={refresh}>
                    {t('redeliver')}
                  </Action>
                ),
            },
          ]}
        />
      </Panel>
    </>
  );
}
