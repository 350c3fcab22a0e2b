import type { WebhookView } from '../../lib/model/webhook';
import { list } from '../api';
import { Failure, Panel, Table, When } from '../parts';
import { usePolled } from '../polled';
import { t } from '../words';
import { IncomingDeliveries, IncomingWebhooks } from './incoming-webhooks';
import { OneWebhook } from './webhook';
import { WebhookActions, WebhookState } from './webhook-actions';
import { WebhookForm } from './webhook-form';

/** "webhooks", "webhooks/new", "webhooks/<id>", "webhooks/<id>/edit" or "webhooks/incoming/<node>". */
export function Webhooks({ path: [id, what] }: { path: string[] }) {
  if (id === undefined) {
    return (
      <>
        <AllWebhooks />
        <IncomingWebhooks />
      </>
    );
  }
  if (id === 'new') return <WebhookForm />;
  if (id === 'incoming') return <IncomingDeliveries webhook={what ?? ''} />;
  return what === 'edit' ? <WebhookForm id={id} /> : <OneWebhook id={id} />;
}

function AllWebhooks() {
  const { value, error, refresh } = usePolled('webhooks', () => list<WebhookView>('webhooks'));
  return (
    <Panel title={t('webhooks.outgoing')} aside={<a href="#/webhooks/new">{t('webhook.new')}</a>}>
      {error && <Failure error={error} />}
      <Table
        rows={value}
        rowKey={({ id }) => id}
        none={t('webhooks.none')}
        columns={[
          {
            title: t('webhook'),
            cell: ({ id, name }) => (
              <a class="long" href={`#/webhooks/${id}`}>
                {name}
              </a>
            ),
          },
          { title: t('address'), cell: ({ url }) => <code class="long">{url}</code> },
          { title: t('events'), cell: ({ event_type }) => <code class="long">{event_type}</code> },
          { title: t('state'), cell: (webhook) => <WebhookState webhook={webhook} /> },
          {
            title: t('failingSince'),
            cell: ({ failing_since }) => (failing_since === null ? '–' : <When at={failing_since} />),
          },
          { title: '', cell: (webhook) => <WebhookActions webhook={webhook} onDone={refresh} /> },
        ]}
      />
    </Panel>
  );
}
