import { Field } from '../form';
import { t } from '../words';

/** `true` stands for a value that is kept secret. */
export interface Header {
  name: string;
  value: string | true;
}

interface HeaderFieldsProps {
  headers: readonly Header[];
  onChange(headers: Header[]): void;
}

export function HeaderFields({ headers, onChange }: HeaderFieldsProps) {
  const change = (at: number, part: Partial<Header>) =>
    onChange(headers.map((header, index) => (index === at ? { ...header, ...part } : header)));
  return (
    <Field label={t('headers')} at="/headers" help={t('headers.help')} isGroup isWide>
      {() => (
        <>
          {headers.map(({ name, value }, index) => (
            <div class="header" key={index}>
              <input
                aria-label={`${t('headers')}: ${t('name')}`}
                placeholder="X-Plant"
                value={name}
                onInput={({ currentTarget }) => change(index, { name: currentTarget.value })}
              />
              <input
                aria-label={`${t('headers')}: ${t('value')}`}
                placeholder={value === true ? t('kept') : ''}
                value={value === true ? '' : value}
                onInput={({ currentTarget }) => change(index, { value: currentTarget.value })}
              />
              <button type="button" onClick={() => onChange(headers.filter((_, at) => at !== index))}>
                {t('remove')}
              </button>
            </div>
          ))}
          <button type="button" onClick={() => onChange([...headers, { name: '', value: '' }])}>
            {t('header.add')}
          </button>
        </>
      )}
    </Field>
  );
}

/** As they are sent; rows without a name are not. */
export function headersOf(headers: readonly Header[]): Record<string, string | true> {
  return Object.fromEntries(headers.flatMap(({ name, value }) => (name.trim() === '' ? [] : [[name.trim(), value]])));
}

/** What the headers say of the body. */
export function contentTypeOf(headers: readonly Header[]): string | undefined {
  const value = headers.find(({ name }) => name.trim().toLowerCase() === 'content-type')?.value;
  return typeof value === 'string' ? value : undefined;
}
