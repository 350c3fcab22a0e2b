import { useState } from 'preact/hooks';
import { EVENT_TYPES } from '../../lib/model/events';
import type { Envelope } from '../../lib/model/webhook';
import { post } from '../api';
import { TextField } from '../form';
import { Action } from '../parts';
import { t, valueWord } from '../words';

const EXAMPLES: Record<string, string> = {
  jsonata: "{ 'text': data.mapping.name & ': ' & data.run.error_message }",
  mustache: '{ "text": "{{data.mapping.name}}: {{data.run.error_message}}" }',
};

interface Preview {
  event: Envelope;
  content_type: string | null;
  body: string | null;
}

interface TemplateFieldProps {
  value: string;
  language: string;
  /** Of the headers, if they name one. */
  contentType: string | undefined;
  onChange(part: { payload_template?: string; template_language?: string }): void;
}

/** What is sent, and what that comes to for a sample. */
export function TemplateField({ value, language, contentType, onChange }: TemplateFieldProps) {
  const [type, setType] = useState<string>('run.failed');
  const [preview, setPreview] = useState<Preview>();
  const template = {
    payload_template: value.trim() === '' ? null : value,
    template_language: language,
    ...(contentType && { content_type: contentType }),
  };
  const show = async () => setPreview(await post<Preview>('webhooks/preview', { ...template, event_type: type }));
  return (
    <div class="field wide">
      <TextField
        label={t('template')}
        at="/payload_template"
        help={t(language === 'mustache' ? 'template.mustache' : 'template.help')}
        rows={5}
        placeholder={EXAMPLES[language] ?? ''}
        value={value}
        onChange={(payload_template) => onChange({ payload_template })}
      />
      <p class="actions">
        <select
          aria-label={t('template.language')}
          value={language}
          onChange={({ currentTarget }) => onChange({ template_language: currentTarget.value })}
        >
          <option value="jsonata">JSONata</option>
          <option value="mustache">Mustache</option>
        </select>
        <select aria-label={t('sample')} value={type} onChange={({ currentTarget }) => setType(currentTarget.value)}>
          {EVENT_TYPES.map((one) => (
            <option key={one} value={one}>
              {valueWord('event', one)}
            </option>
          ))}
        </select>
        <Action run={show}>{t('preview')}</Action>
      </p>
      {preview && (
        <div class="preview">
          <Shown title={t('sample')} text={JSON.stringify(preview.event, null, 2)} />
          <Shown title={preview.content_type ?? t('notSent')} text={indented(preview.body ?? '')} />
        </div>
      )}
    </div>
  );
}

function Shown({ title, text }: { title: string; text: string }) {
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <pre>{text}</pre>
    </figure>
  );
}

/** JSON over several lines, anything else as it is. */
function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
