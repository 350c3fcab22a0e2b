import type { WebhookView } from '../../lib/model/webhook';
import { post, put, remove } from '../api';
import { Action, State } from '../parts';
import { t, valueWord } from '../words';

export function WebhookState({ webhook: { is_active, disabled_reason } }: { webhook: WebhookView }) {
  return (
    <>
      <State value={is_active ? 'active' : disabled_reason === null ? 'inactive' : 'disabled'} />{' '}
      {disabled_reason && <span class="quiet">{valueWord('disabled', disabled_reason)}</span>}
    </>
  );
}

interface WebhookActionsProps {
  webhook: WebhookView;
  onDone(): void;
  /** When it is gone. */
  onRemoved?(): void;
}

export function WebhookActions({ webhook, onDone, onRemoved = onDone }: WebhookActionsProps) {
  const { id, name, url, event_type, is_active, revision } = webhook;
  const path = `webhooks/${id}`;
  const toggle = () => put(path, { name, url, event_type, is_active: !is_active }, `"${revision}"`);
  return (
    <span class="actions">
      {is_active && (
        <Action of={name} run={() => post(`${path}/trigger`)} then={onDone}>
          {t('sendTest')}
        </Action>
      )}
      <a href={`#/webhooks/${id}/edit`} aria-label={`${t('edit')}: ${name}`}>
        {t('edit')}
      </a>
      <Action of={name} run={toggle} then={onDone}>
        {is_active ? t('switchOff') : t('switchOn')}
      </Action>
      <Action of={name} sure={t('sureRemove', { name })} run={() => remove(path)} then={onRemoved}>
        {t('remove')}
      </Action>
    </span>
  );
}
