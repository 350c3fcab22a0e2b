import { useState } from 'preact/hooks';
import type { IncomingWebhookState, KeptDelivery } from '../../lib/model/incoming-webhook';
import { get, list, type Page, post } from '../api';
import { instant, localInput, number } from '../format';
import { Action, Failure, Panel, Since, State, Table, When, Why } from '../parts';
import { usePolled } from '../polled';
import { t } from '../words';

const DAY = 86_400_000;

/** Addresses at which other systems report events, with what of that is not done with. */
export function IncomingWebhooks() {
  const [since, setSince] = useState(() => localInput(Date.now() - DAY));
  const { value, error, refresh } = usePolled('incoming', () => list<IncomingWebhookState>('incoming-webhooks'));
  const redeliver = () => post('incoming-webhooks/redeliver', { since: new Date(since).toISOString() });
  return (
    <Panel
      title={t('webhooks.incoming')}
      aside={
        <span class="actions">
          <Action sure={t('sureRedeliver')} run={redeliver} then={refresh}>
            {t('redeliverFailed')}
          </Action>
          <Since value={since} onChange={setSince} />
        </span>
      }
    >
      {error && <Failure error={error} />}
      <Table
        rows={value}
        rowKey={({ webhook }) => webhook}
        none={t('webhooks.noIncoming')}
        columns={[
          {
            title: t('webhook'),
            cell: (row) => (
              <a class="long" href={`#/webhooks/incoming/${encodeURIComponent(row.webhook)}`}>
                {nameOf(row)}
              </a>
            ),
          },
          { title: t('state'), cell: ({ name }) => <State value={name === null ? 'notHere' : 'active'} /> },
          { title: t('state.waiting'), isNumber: true, cell: ({ waiting }) => number(waiting) },
          { title: t('givenUp'), isNumber: true, cell: ({ failed }) => number(failed) },
          { title: t('repeats'), isNumber: true, cell: ({ repeated }) => number(repeated) },
          { title: t('oldest'), cell: ({ oldest_at }) => (oldest_at === null ? '–' : <When at={oldest_at} />) },
          {
            title: '',
            cell: (row) =>
              row.waiting + row.failed > 0 && (
                <Action
                  of={nameOf(row)}
                  sure={t('sureDiscardAll', { count: row.waiting + row.failed })}
                  run={() => post('incoming-webhooks/discard', { webhook: row.webhook })}
                  then={refresh}
                >
                  {t('discard')}
                </Action>
              ),
          },
        ]}
      />
    </Panel>
  );
}

/** What was delivered to one of them. */
export function IncomingDeliveries({ webhook }: { webhook: string }) {
  const query = new URLSearchParams({ webhook, limit: '100' });
  const { value, error, refresh } = usePolled(`incoming ${webhook}`, async () => {
    const [states, deliveries] = await Promise.all([
      list<IncomingWebhookState>('incoming-webhooks'),
      get<Page<KeptDelivery>>(`incoming-webhooks/deliveries?${query}`),
    ]);
    return { name: nameOf(states.find((one) => one.webhook === webhook) ?? { webhook, name: null }), deliveries };
  });
  return (
    <>
      <p class="trail">
        <a href="#/webhooks">{t('view.webhooks')}</a> › {value?.name}
      </p>
      <Panel title={t('executions')}>
        {error && <Failure error={error} />}
        <Table
          rows={value?.deliveries.items}
          rowKey={({ id }) => id}
          none={t('executions.none')}
          columns={[
            { title: t('deadLetter'), cell: ({ id }) => `#${id}` },
            { title: t('state'), cell: ({ state }) => <State value={state} /> },
            { title: t('at'), cell: ({ received_at }) => instant(received_at) },
            { title: t('tried'), isNumber: true, cell: ({ attempts }) => number(attempts) },
            {
              title: t('why'),
              cell: ({ error_code, error_message }) => <Why code={error_code} message={error_message} />,
            },
            {
              title: '',
              cell: ({ id, state }) =>
                state === 'failed' && (
                  <Action of={`#${id}`} run={() => post(`incoming-webhooks/deliveries/${id}/redeliver`)} then={refresh}>
                    {t('redeliver')}
                  </Action>
                ),
            },
          ]}
        />
        {value?.deliveries.next_cursor && (
          <p class="none">{t('newestOnly', { count: value.deliveries.items.length })}</p>
        )}
      </Panel>
    </>
  );
}

function nameOf({ webhook, name }: Pick<IncomingWebhookState, 'webhook' | 'name'>): string {
  return name ?? webhook;
}
