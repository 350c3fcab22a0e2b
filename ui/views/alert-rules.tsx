import { KINDS } from '../../lib/alerts/kinds';
import type { AlertRule } from '../../lib/model/alert';
import { list, put, remove } from '../api';
import { duration, number } from '../format';
import { Action, Failure, Panel, State, Table } from '../parts';
import { usePlant } from '../plant';
import { usePolled } from '../polled';
import { t, valueWord } from '../words';
import { AlertRuleForm } from './alert-rule-form';

/** With its name, or what its kind is called in the language that was asked for. */
export type TitledRule = AlertRule & { title: string };

/** "alerts/rules", "alerts/rules/new" or "alerts/rules/<id>". */
export function AlertRules({ path: [id] }: { path: string[] }) {
  if (id === undefined) return <AllRules />;
  return id === 'new' ? <AlertRuleForm /> : <AlertRuleForm id={id} />;
}

function AllRules() {
  const { connectionName, mappingName } = usePlant();
  const { value, error, refresh } = usePolled('alert rules', () => list<TitledRule>('alerts/rules'));
  const toggle = ({ id, kind, is_active, revision }: TitledRule) =>
    put(`alerts/rules/${id}`, { kind, is_active: !is_active }, `"${revision}"`);
  return (
    <>
      <p class="trail">
        <a href="#/alerts">{t('view.alerts')}</a> › {t('rules')}
      </p>
      <Panel title={t('rules')} aside={<a href="#/alerts/rules/new">{t('rule.new')}</a>}>
        {error && <Failure error={error} />}
        <Table
          rows={value}
          rowKey={({ id }) => id}
          none={t('reading')}
          columns={[
            {
              title: t('rule'),
              cell: ({ id, title }) => (
                <a class="long" href={`#/alerts/rules/${id}`}>
                  {title}
                </a>
              ),
            },
            { title: t('severity'), cell: ({ severity }) => <State value={severity} /> },
            {
              title: t('watches'),
              cell: ({ connection_id, mapping_id }) => {
                if (mapping_id !== null) return mappingName(mapping_id);
                return connection_id === null ? t('everything') : connectionName(connection_id);
              },
            },
            { title: t('threshold'), cell: (rule) => thresholdOf(rule) },
            { title: t('lasting'), cell: ({ for_seconds }) => (for_seconds === 0 ? '–' : seconds(for_seconds)) },
            {
              title: t('repeated'),
              cell: ({ repeat_seconds }) => (repeat_seconds === null ? t('never') : seconds(repeat_seconds)),
            },
            { title: t('state'), cell: ({ is_active }) => <State value={is_active ? 'active' : 'inactive'} /> },
            {
              title: '',
              cell: (rule) => (
                <span class="actions">
                  <Action of={rule.title} run={() => toggle(rule)} then={refresh}>
                    {rule.is_active ? t('switchOff') : t('switchOn')}
                  </Action>
                  {!rule.is_default && (
                    <Action
                      of={rule.title}
                      sure={t('sureRemove', { name: rule.title })}
                      run={() => remove(`alerts/rules/${rule.id}`)}
                      then={refresh}
                    >
                      {t('remove')}
                    </Action>
                  )}
                </span>
              ),
            },
          ]}
        />
      </Panel>
    </>
  );
}

function thresholdOf({ kind, threshold }: AlertRule): string {
  if (threshold === null) return t('threshold.schedule');
  return `${KINDS[kind].isLeft ? '≤' : '≥'} ${number(threshold)} ${valueWord('unit', kind)}`;
}

function seconds(value: number): string {
  return duration(value * 1000);
}
