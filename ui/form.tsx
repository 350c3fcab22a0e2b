import { type ComponentChildren, createContext } from 'preact';
import { useContext, useState } from 'preact/hooks';
import { ApiError } from './api';
import { Failure } from './parts';
import { t } from './words';

/** Why the API did not take the form. */
const Refusal = createContext<ApiError | undefined>(undefined);

interface FormProps {
  /** Sends what was typed. */
  save(): Promise<unknown>;
  /** Where it goes on when nothing is saved. */
  back: string;
  children: ComponentChildren;
}

/** What is wrong with it stands beside the fields that the API names; what was typed stays. */
export function Form({ save, back, children }: FormProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await save();
    } catch (thrown) {
      setError(thrown instanceof ApiError ? thrown : new ApiError({ detail: String(thrown) }, 0));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="form" onSubmit={submit}>
      <Refusal.Provider value={error}>{children}</Refusal.Provider>
      {error && <NotSaved error={error} />}
      <p class="actions">
        <button type="submit" class="main" disabled={busy}>
          {t('save')}
        </button>
        <a href={back}>{t('cancel')}</a>
      </p>
    </form>
  );
}

/** Values that are wrong are told of at their fields. */
function NotSaved({ error }: { error: ApiError }) {
  if (error.errors.length === 0) return <Failure error={error} />;
  return (
    <p class="failure" role="alert">
      <strong>{t('correctFields')}</strong> {error.hint} <code>{error.code}</code>
    </p>
  );
}

interface FieldProps {
  label: string;
  /** Where its value stands in what is sent: "/name". */
  at: string;
  help?: string;
  /** Takes the whole width. */
  isWide?: boolean;
}

interface Described extends FieldProps {
  /** Shown instead of a label that belongs to one input. */
  isGroup?: boolean;
  children(input: { id: string; 'aria-invalid': boolean; 'aria-describedby': string }): ComponentChildren;
}

/** A label, what is typed, and what is wrong with it. */
export function Field({ label, at, help, isWide, isGroup, children }: Described) {
  const refusal = useContext(Refusal);
  const wrong = refusal?.errors.filter(({ pointer }) => pointer === at || pointer.startsWith(`${at}/`)) ?? [];
  const id = `field${at.replaceAll('/', '-')}`;
  const described = { id, 'aria-invalid': wrong.length > 0, 'aria-describedby': `${id}-help` };
  const body = (
    <>
      {children(described)}
      <div id={`${id}-help`}>
        {wrong.map(({ pointer, detail }) => (
          <p key={`${pointer} ${detail}`} class="wrong" role="alert">
            {pointer !== at && `${pointer.slice(at.length + 1)}: `}
            {detail}
          </p>
        ))}
        {help && <p class="quiet">{help}</p>}
      </div>
    </>
  );
  const look = isWide ? 'field wide' : 'field';
  if (isGroup) {
    return (
      <fieldset class={look}>
        <legend>{label}</legend>
        {body}
      </fieldset>
    );
  }
  return (
    <div class={look}>
      <label for={id}>{label}</label>
      {body}
    </div>
  );
}

interface TextProps extends FieldProps {
  value: string;
  onChange(value: string): void;
  isRequired?: boolean;
  /** Nobody else is to read it. */
  isSecret?: boolean;
  /** Of a text of several lines. */
  rows?: number;
  placeholder?: string;
}

export function TextField({ value, onChange, isRequired, isSecret, rows, placeholder, ...field }: TextProps) {
  return (
    <Field {...field}>
      {(described) => {
        const input = {
          ...described,
          value,
          placeholder,
          required: isRequired,
          spellcheck: false,
          onInput: ({ currentTarget }: { currentTarget: { value: string } }) => onChange(currentTarget.value),
        };
        if (rows !== undefined) return <textarea {...input} rows={rows} />;
        if (isSecret) return <input {...input} type="password" autocomplete="new-password" />;
        return <input {...input} autocomplete="off" />;
      }}
    </Field>
  );
}

interface NumberProps extends FieldProps {
  /** Null: the field is empty. */
  value: number | null;
  onChange(value: number | null): void;
  isRequired?: boolean;
  minimum?: number;
  maximum?: number;
  placeholder?: string;
}

export function NumberField({ value, onChange, isRequired, minimum = 0, maximum, placeholder, ...field }: NumberProps) {
  return (
    <Field {...field}>
      {(input) => (
        <input
          {...input}
          type="number"
          step="any"
          min={minimum}
          max={maximum}
          required={isRequired}
          placeholder={placeholder}
          value={value ?? ''}
          onInput={({ currentTarget }) => onChange(currentTarget.value === '' ? null : currentTarget.valueAsNumber)}
        />
      )}
    </Field>
  );
}

interface ChoiceProps extends FieldProps {
  value: string;
  /** Values and what they are called. */
  options: readonly (readonly [value: string, title: string])[];
  onChange(value: string): void;
}

export function ChoiceField({ value, options, onChange, ...field }: ChoiceProps) {
  return (
    <Field {...field}>
      {(input) => (
        <select {...input} value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
          {options.map(([one, title]) => (
            <option key={one} value={one}>
              {title}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface CheckProps {
  label: string;
  checked: boolean;
  onChange(checked: boolean): void;
  isDisabled?: boolean;
}

export function Check({ label, checked, onChange, isDisabled }: CheckProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={checked}
        disabled={isDisabled}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
      {label}
    </label>
  );
}
