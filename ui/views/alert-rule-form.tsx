import { useEffect, useState } from 'preact/hooks';
import { ALERT_KINDS, KINDS } from '../../lib/alerts/kinds';
import { kindTitle } from '../../lib/alerts/words';
import type { AlertKind, AlertRule, AlertSeverity } from '../../lib/model/alert';
import { type ApiError, ask, post, put } from '../api';
import { Check, ChoiceField, Form, NumberField, TextField } from '../form';
import { Failure, Panel } from '../parts';
import { usePlant } from '../plant';
import { locale, t, valueWord } from '../words';

type Draft = Omit<AlertRule, 'id' | 'is_default' | 'created_at' | 'updated_at' | 'revision'>;

const MINUTE = 60;
const HOUR = 3600;

function presetOf(kind: AlertKind): Draft {
  return { kind, name: null, is_active: true, connection_id: null, mapping_id: null, ...KINDS[kind].preset };
}

/** A new rule, or one that is there. */
export function AlertRuleForm({ id }: { id?: string }) {
  const [read, setRead] = useState<{ draft: Draft; etag?: string | undefined } | undefined>(
    id === undefined ? { draft: presetOf('data_delay') } : undefined,
  );
  const [error, setError] = useState<ApiError>();
  useEffect(() => {
    if (id === undefined) return;
    ask<AlertRule>(`alerts/rules/${id}`).then(
      ({ value, etag }) => setRead({ draft: value, etag }),
      (thrown) => setError(thrown as ApiError),
    );
  }, [id]);
  return (
    <>
      <p class="trail">
        <a href="#/alerts">{t('view.alerts')}</a> › <a href="#/alerts/rules">{t('rules')}</a>
      </p>
      {error && <Failure error={error} />}
      {read && <Fields id={id} {...read} />}
    </>
  );
}

interface FieldsProps {
  id: string | undefined;
  draft: Draft;
  etag?: string | undefined;
}

function Fields({ id, draft: first, etag }: FieldsProps) {
  const { connections = [], mappings = [] } = usePlant();
  const [draft, setDraft] = useState(first);
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const { isOfConnection, hasOwnThreshold, isLeft } = KINDS[draft.kind];
  const unit = valueWord('unit', draft.kind);
  const title = kindTitle(draft.kind, locale());
  const save = async () => {
    const body = inputOf(draft);
    await (id === undefined ? post('alerts/rules', body) : put(`alerts/rules/${id}`, body, etag));
    location.hash = '#/alerts/rules';
  };
  const named = (rows: readonly { id: number; name: string }[]) => [
    ['', t('everything')] as const,
    ...rows.map(({ id, name }) => [String(id), name] as const),
  ];
  const idOf = (chosen: string) => (chosen === '' ? null : Number(chosen));
  return (
    <Panel title={id === undefined ? t('rule.new') : (draft.name ?? title)}>
      <Form save={save} back="#/alerts/rules">
        {id === undefined && (
          <ChoiceField
            label={t('kind')}
            at="/kind"
            value={draft.kind}
            options={ALERT_KINDS.map((kind) => [kind, kindTitle(kind, locale())] as const)}
            onChange={(kind) => setDraft({ ...presetOf(kind as AlertKind), name: draft.name })}
          />
        )}
        <TextField
          label={t('name')}
          at="/name"
          placeholder={title}
          value={draft.name ?? ''}
          onChange={(name) => change({ name: name === '' ? null : name })}
        />
        <ChoiceField
          label={t('connection')}
          at="/connection_id"
          value={String(draft.connection_id ?? '')}
          options={named(connections)}
          onChange={(chosen) => change({ connection_id: idOf(chosen) })}
        />
        {!isOfConnection && (
          <ChoiceField
            label={t('mapping')}
            at="/mapping_id"
            value={String(draft.mapping_id ?? '')}
            options={named(mappings)}
            onChange={(chosen) => change({ mapping_id: idOf(chosen) })}
          />
        )}
        <ChoiceField
          label={t('severity')}
          at="/severity"
          value={draft.severity}
          options={[
            ['warning', t('state.warning')],
            ['critical', t('state.critical')],
          ]}
          onChange={(severity) => change({ severity: severity as AlertSeverity })}
        />
        <NumberField
          label={`${t('threshold')} (${unit})`}
          at="/threshold"
          help={hasOwnThreshold ? t('threshold.help') : t(isLeft ? 'threshold.left' : 'threshold.reached')}
          isRequired={!hasOwnThreshold}
          value={draft.threshold}
          onChange={(threshold) => change({ threshold })}
        />
        <NumberField
          label={`${t('clearThreshold')} (${unit})`}
          at="/clear_threshold"
          help={t('clearThreshold.help')}
          value={draft.clear_threshold}
          onChange={(clear_threshold) => change({ clear_threshold })}
        />
        <NumberField
          label={t('forMinutes')}
          at="/for_seconds"
          help={t('forMinutes.help')}
          isRequired
          value={draft.for_seconds / MINUTE}
          onChange={(minutes) => change({ for_seconds: Math.round((minutes ?? 0) * MINUTE) })}
        />
        <NumberField
          label={t('clearMinutes')}
          at="/clear_for_seconds"
          help={t('clearMinutes.help')}
          isRequired
          value={draft.clear_for_seconds / MINUTE}
          onChange={(minutes) => change({ clear_for_seconds: Math.round((minutes ?? 0) * MINUTE) })}
        />
        <NumberField
          label={t('repeatHours')}
          at="/repeat_seconds"
          help={t('repeatHours.help')}
          value={draft.repeat_seconds === null ? null : draft.repeat_seconds / HOUR}
          onChange={(hours) => change({ repeat_seconds: hours === null ? null : Math.round(hours * HOUR) })}
        />
        <div class="field wide">
          <Check label={t('inUse')} checked={draft.is_active} onChange={(is_active) => change({ is_active })} />
        </div>
      </Form>
    </Panel>
  );
}

/** Members that only the hub writes are left out. */
function inputOf({
  kind,
  name,
  is_active,
  connection_id,
  mapping_id,
  severity,
  threshold,
  clear_threshold,
  for_seconds,
  clear_for_seconds,
  repeat_seconds,
}: Draft): Draft {
  return {
    kind,
    name,
    is_active,
    connection_id,
    mapping_id,
    severity,
    threshold,
    clear_threshold,
    for_seconds,
    clear_for_seconds,
    repeat_seconds,
  };
}
