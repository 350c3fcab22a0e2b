import { useState } from 'preact/hooks';
import type { Alert } from '../../lib/model/alert';
import { get, type Page, post } from '../api';
import { Action, Failure, Panel, State, Table, When } from '../parts';
import { usePolled } from '../polled';
import { t } from '../words';
import { AlertRules } from './alert-rules';

/** With the words of the API in the language that it was asked in. */
type ToldAlert = Alert & { title: string; message: string; hint: string };

/** "alerts" or "alerts/rules/...". */
export function Alerts({ path: [what, ...rest] }: { path: string[] }) {
  return what === 'rules' ? <AlertRules path={rest} /> : <AllAlerts />;
}

function AllAlerts() {
  const [state, setState] = useState('open');
  const path = `alerts?limit=100${state === '' ? '' : `&state=${state}`}`;
  const { value, error, refresh } = usePolled(path, () => get<Page<ToldAlert>>(path));
  return (
    <Panel
      title={t('view.alerts')}
      aside={
        <span class="actions">
          <a href="#/alerts/rules">{t('rules')}</a>
          <select aria-label={t('state')} value={state} onChange={({ currentTarget }) => setState(currentTarget.value)}>
            <option value="open">{t('alerts.open')}</option>
            <option value="">{t('all')}</option>
          </select>
        </span>
      }
    >
      {error && <Failure error={error} />}
      <Table
        rows={value?.items}
        rowKey={({ id }) => id}
        none={t('alerts.none')}
        columns={[
          { title: t('state'), cell: ({ state }) => <State value={state} /> },
          { title: t('severity'), cell: ({ severity }) => <State value={severity} /> },
          {
            title: t('why'),
            cell: ({ title, message, hint }) => (
              <>
                <strong>{title}</strong> {message}
                <br />
                <span class="quiet">{hint}</span>
              </>
            ),
          },
          { title: t('since'), cell: ({ since }) => <When at={since} /> },
          { title: t('ended'), cell: ({ resolved_at }) => (resolved_at === null ? '–' : <When at={resolved_at} />) },
          {
            title: '',
            cell: ({ id, state, acknowledged_by, message }) =>
              state === 'firing' ? (
                <Action of={message} run={() => post(`alerts/${id}/acknowledge`)} then={refresh}>
                  {t('acknowledge')}
                </Action>
              ) : (
                acknowledged_by && <span class="quiet">{t('acknowledgedBy', { who: acknowledged_by })}</span>
              ),
          },
        ]}
      />
    </Panel>
  );
}
