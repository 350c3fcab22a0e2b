import { useEffect, useState } from 'preact/hooks';
import type { WebhookOptions, WebhookView, WebhookWithSecret } from '../../lib/model/webhook';
import { type ApiError, ask, post, put } from '../api';
import { Check, ChoiceField, Form, NumberField, TextField } from '../form';
import { Failure, Panel, Secret } from '../parts';
import { type Connection, usePlant } from '../plant';
import { t } from '../words';
import { EventChoice } from './event-choice';
import { contentTypeOf, type Header, HeaderFields, headersOf } from './header-fields';
import { TemplateField } from './template-field';

/** As it is typed: what is empty is left to its default. */
interface Draft {
  name: string;
  url: string;
  event_type: string;
  connection_id: string;
  method: string;
  headers: Header[];
  payload_template: string;
  template_language: string;
  signature: string;
  secret: string;
  options: WebhookOptions;
  /** Seconds, separated by commas. */
  pauses: string;
  is_active: boolean;
}

const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE', 'GET'].map((method) => [method, method] as const);

const EMPTY: Draft = {
  name: '',
  url: '',
  event_type: 'run.failed',
  connection_id: '',
  method: 'POST',
  headers: [],
  payload_template: '',
  template_language: 'jsonata',
  signature: 'standard',
  secret: '',
  options: {},
  pauses: '',
  is_active: true,
};

/** A new webhook, or one that is there. */
export function WebhookForm({ id }: { id?: string }) {
  const [read, setRead] = useState<{ draft: Draft; etag?: string | undefined } | undefined>(
    id === undefined ? { draft: EMPTY } : undefined,
  );
  const [error, setError] = useState<ApiError>();
  useEffect(() => {
    if (id === undefined) return;
    ask<WebhookView>(`webhooks/${id}`).then(
      ({ value, etag }) => setRead({ draft: draftOf(value), etag }),
      (thrown) => setError(thrown as ApiError),
    );
  }, [id]);
  const title = id === undefined ? t('webhook.new') : (read?.draft.name ?? '');
  return (
    <>
      <p class="trail">
        <a href="#/webhooks">{t('view.webhooks')}</a> › {title}
      </p>
      {error && <Failure error={error} />}
      {read && <Fields id={id} title={title} {...read} />}
    </>
  );
}

interface FieldsProps {
  id: string | undefined;
  title: string;
  draft: Draft;
  /** Of what was read: nobody else's change is undone. */
  etag?: string | undefined;
}

function Fields({ id, title, draft: first, etag }: FieldsProps) {
  const { connections = [] } = usePlant();
  const [draft, setDraft] = useState(first);
  const [saved, setSaved] = useState<WebhookWithSecret>();
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const option = (name: keyof WebhookOptions, value: number | boolean | string | null) => {
    const { [name]: _, ...others } = draft.options;
    change({ options: value === null ? others : { ...others, [name]: value } });
  };
  const save = async () => {
    const body = inputOf(draft);
    const webhook = await (id === undefined
      ? post<WebhookWithSecret>('webhooks', body)
      : put<WebhookWithSecret>(`webhooks/${id}`, body, etag));
    if (webhook.secret === null) location.hash = `#/webhooks/${webhook.id}`;
    else setSaved(webhook);
  };
  if (saved?.secret != null) {
    return (
      <Panel title={saved.name}>
        <Secret secret={saved.secret} />
        <p>
          <a href={`#/webhooks/${saved.id}`}>{t('goOn')}</a>
        </p>
      </Panel>
    );
  }
  return (
    <Panel title={title}>
      <Form save={save} back={id === undefined ? '#/webhooks' : `#/webhooks/${id}`}>
        <TextField label={t('name')} at="/name" isRequired value={draft.name} onChange={(name) => change({ name })} />
        <TextField
          label={t('address')}
          at="/url"
          isRequired
          placeholder="https://"
          value={draft.url}
          onChange={(url) => change({ url })}
        />
        <ChoiceField
          label={t('method')}
          at="/method"
          value={draft.method}
          options={METHODS}
          onChange={(method) => change({ method })}
        />
        <ChoiceField
          label={t('onlyOf')}
          at="/connection_id"
          value={draft.connection_id}
          options={[['', t('all')], ...connections.map(choiceOf)]}
          onChange={(connection_id) => change({ connection_id })}
        />
        <EventChoice value={draft.event_type} onChange={(event_type) => change({ event_type })} />
        <TextField
          label={t('filter')}
          at="/options/filter"
          help={t('filter.help')}
          placeholder="data.run.records_error > 100"
          isWide
          value={draft.options.filter ?? ''}
          onChange={(filter) => option('filter', filter.trim() === '' ? null : filter)}
        />
        <HeaderFields headers={draft.headers} onChange={(headers) => change({ headers })} />
        <ChoiceField
          label={t('signIn.as')}
          at="/options/sign_in_as"
          help={t('signIn.help')}
          value={String(draft.options.sign_in_as ?? '')}
          options={[['', t('signIn.headers')], ...connections.filter(isHttp).map(choiceOf)]}
          onChange={(id) => option('sign_in_as', id === '' ? null : Number(id))}
        />
        <TemplateField
          value={draft.payload_template}
          language={draft.template_language}
          contentType={contentTypeOf(draft.headers)}
          onChange={change}
        />
        <ChoiceField
          label={t('signature')}
          at="/signature"
          help={t('signature.help')}
          value={draft.signature}
          options={[
            ['standard', 'Standard Webhooks'],
            ['github', 'GitHub'],
            ['none', t('signature.none')],
          ]}
          onChange={(signature) => change({ signature })}
        />
        {id === undefined && draft.signature !== 'none' && (
          <TextField
            label={t('secret')}
            at="/secret"
            isSecret
            help={t('secret.help')}
            value={draft.secret}
            onChange={(secret) => change({ secret })}
          />
        )}
        <NumberField
          label={t('concurrency')}
          at="/options/max_concurrency"
          placeholder="4"
          minimum={1}
          maximum={32}
          value={draft.options.max_concurrency ?? null}
          onChange={(value) => option('max_concurrency', value)}
        />
        <NumberField
          label={t('perSecondAtMost')}
          at="/options/requests_per_second"
          value={draft.options.requests_per_second ?? null}
          onChange={(value) => option('requests_per_second', value)}
        />
        <NumberField
          label={t('timeout')}
          at="/options/timeout_ms"
          placeholder="15000"
          minimum={1000}
          maximum={30_000}
          value={draft.options.timeout_ms ?? null}
          onChange={(value) => option('timeout_ms', value)}
        />
        <TextField
          label={t('pauses')}
          at="/options/retry_seconds"
          help={t('pauses.help')}
          placeholder="5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400"
          value={draft.pauses}
          onChange={(pauses) => change({ pauses })}
        />
        <div class="field wide">
          <Check
            label={t('ordered')}
            checked={draft.options.ordered === true}
            onChange={(ordered) => option('ordered', ordered)}
          />
          <Check label={t('inUse')} checked={draft.is_active} onChange={(is_active) => change({ is_active })} />
        </div>
      </Form>
    </Panel>
  );
}

function choiceOf({ id, name }: Connection): readonly [string, string] {
  return [String(id), name];
}

function isHttp({ config }: Connection): boolean {
  return 'base_url' in config;
}

function draftOf(webhook: WebhookView): Draft {
  const { retry_seconds = [], ...options } = webhook.options;
  return {
    name: webhook.name,
    url: webhook.url,
    event_type: webhook.event_type,
    connection_id: String(webhook.connection_id ?? ''),
    method: webhook.method,
    headers: Object.entries(webhook.headers).map(([name, value]) => ({ name, value })),
    payload_template: webhook.payload_template ?? '',
    template_language: webhook.template_language,
    signature: webhook.signature,
    secret: '',
    options,
    pauses: retry_seconds.join(', '),
    is_active: webhook.is_active,
  };
}

/** What is sent of it. */
function inputOf({ pauses, secret, headers, ...draft }: Draft) {
  const retry_seconds = pauses.split(',').flatMap((part) => part.trim() || []);
  return {
    ...draft,
    connection_id: draft.connection_id === '' ? null : Number(draft.connection_id),
    payload_template: draft.payload_template.trim() === '' ? null : draft.payload_template,
    headers: headersOf(headers),
    options: {
      ...draft.options,
      ...(retry_seconds.length > 0 && { retry_seconds: retry_seconds.map((text) => numberOr(text)) }),
    },
    ...(secret !== '' && { secret }),
  };
}

/** What is no number goes as it is: the API says so at its field. */
function numberOr(text: string): number | string {
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}
