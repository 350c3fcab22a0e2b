import { useState } from 'preact/hooks';
import type { ExecutionStatus, WebhookExecution, WebhookView, WebhookWithSecret } from '../../lib/model/webhook';
import { get, type Page, post } from '../api';
import { Check } from '../form';
import { instant, localInput, number } from '../format';
import { Action, Fact, Failure, Panel, Secret, Since, State, Table, When, Why } from '../parts';
import { usePlant } from '../plant';
import { usePolled } from '../polled';
import { t, valueWord } from '../words';
import { WebhookActions, WebhookState } from './webhook-actions';

const DAY = 86_400_000;
const STATUSES: ('' | ExecutionStatus)[] = ['', 'error', 'pending', 'success', 'skipped'];

/** What one is told, and what became of it. */
export function OneWebhook({ id }: { id: string }) {
  const path = `webhooks/${id}`;
  const { value, error, refresh } = usePolled(`webhook ${id}`, () => get<WebhookView>(path));
  return (
    <>
      <p class="trail">
        <a href="#/webhooks">{t('view.webhooks')}</a> › {value?.name}
      </p>
      {error && <Failure error={error} />}
      {value && <Settings webhook={value} onDone={refresh} />}
      <Deliveries path={path} pausedUntil={value?.paused_until ?? null} />
    </>
  );
}

function Settings({ webhook, onDone }: { webhook: WebhookView; onDone(): void }) {
  const { connectionName } = usePlant();
  const [rotated, setRotated] = useState<WebhookWithSecret>();
  const leave = () => {
    location.hash = '#/webhooks';
  };
  const rotate = async () => setRotated(await post<WebhookWithSecret>(`webhooks/${webhook.id}/rotate-secret`));
  const { method, url, event_type, connection_id, signature, options, previous_secret_until: overlap } = webhook;
  const { failing_since: failingSince } = webhook;
  return (
    <Panel title={webhook.name} aside={<WebhookActions webhook={webhook} onDone={onDone} onRemoved={leave} />}>
      <dl class="counts">
        <Fact title={t('state')}>
          <WebhookState webhook={webhook} />
        </Fact>
        {failingSince !== null && (
          <Fact title={t('failingSince')}>
            <span class="state bad">
              <When at={failingSince} />
            </span>
          </Fact>
        )}
        <Fact title={t('address')}>
          <code class="long">
            {method} {url}
          </code>
        </Fact>
        <Fact title={t('events')}>
          <code class="long">{event_type}</code>
        </Fact>
        <Fact title={t('onlyOf')}>{connection_id === null ? t('all') : connectionName(connection_id)}</Fact>
        {options.filter !== undefined && (
          <Fact title={t('filter')}>
            <code class="long">{options.filter}</code>
          </Fact>
        )}
        {options.sign_in_as !== undefined && <Fact title={t('signIn.as')}>{connectionName(options.sign_in_as)}</Fact>}
        <Fact title={t('signature')}>{valueWord('signature', signature)}</Fact>
        {overlap !== null && <Fact title={t('oldSecretUntil')}>{instant(overlap)}</Fact>}
      </dl>
      {rotated?.secret != null && <Secret secret={rotated.secret} />}
      {signature !== 'none' && (
        <Action sure={t('sureRotate')} run={rotate} then={onDone}>
          {t('rotate')}
        </Action>
      )}
    </Panel>
  );
}

function Deliveries({ path, pausedUntil }: { path: string; pausedUntil: string | null }) {
  const [status, setStatus] = useState('');
  const [since, setSince] = useState(() => localInput(Date.now() - DAY));
  const query = `limit=100${status === '' ? '' : `&status=${status}`}`;
  const { value, error, refresh } = usePolled(`executions ${path} ${query}`, () =>
    get<Page<WebhookExecution>>(`${path}/executions?${query}`),
  );
  const [unsent, setUnsent] = useState(false);
  const redeliverFailed = () => post(`${path}/redeliver`, { since: new Date(since).toISOString(), unsent });
  return (
    <Panel
      title={t('executions')}
      aside={
        <span class="actions">
          <select
            aria-label={t('state')}
            value={status}
            onChange={({ currentTarget }) => setStatus(currentTarget.value)}
          >
            {STATUSES.map((one) => (
              <option key={one} value={one}>
                {one === '' ? t('all') : valueWord('state', one)}
              </option>
            ))}
          </select>
          <Action sure={t('sureRedeliver')} run={redeliverFailed} then={refresh}>
            {t('redeliverFailed')}
          </Action>
          <Since value={since} onChange={setSince} />
          <Check label={t('redeliverUnsent')} checked={unsent} onChange={setUnsent} />
        </span>
      }
    >
      {error && <Failure error={error} />}
      <Table
        rows={value?.items}
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
            cell: ({ error_code, error_message }) => <Why code={error_code} message={error_message} />,
          },
          {
            title: t('nextAttempt'),
            cell: ({ next_attempt_at: due }) =>
              due === null ? '–' : <When at={pausedUntil !== null && pausedUntil > due ? pausedUntil : due} />,
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
      {value?.next_cursor && <p class="none">{t('newestOnly', { count: value.items.length })}</p>}
    </Panel>
  );
}
