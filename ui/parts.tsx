import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { ApiError, EDITOR } from './api';
import { instant, relative } from './format';
import { t, valueWord } from './words';

/** How good or bad something is; the colour never says it alone. */
export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'idle';

const TONES: Record<string, Tone> = {
  ...{
    success: 'good',
    done: 'good',
    succeeded: 'good',
    resolved: 'good',
    connected: 'good',
    ok: 'good',
    active: 'good',
  },
  ...{ in_progress: 'busy', running: 'busy', queued: 'busy', pending: 'busy', replaying: 'busy', cancelling: 'busy' },
  ...{
    partial: 'warn',
    notHere: 'warn',
    waiting_retry: 'warn',
    waiting_quota: 'warn',
    acknowledged: 'warn',
    open: 'warn',
  },
  ...{ warning: 'warn', connecting: 'busy', interrupted: 'bad', silent: 'warn', degraded: 'warn' },
  ...{ error: 'bad', failed: 'bad', firing: 'bad', critical: 'bad', disabled: 'bad', paused: 'bad', differ: 'bad' },
};

export function State({ value, group = 'state' }: { value: string; group?: string }) {
  return <span class={`state ${TONES[value] ?? 'idle'}`}>{valueWord(group, value)}</span>;
}

export function When({ at }: { at: string | null }) {
  return (
    <span class="when" title={instant(at)}>
      {relative(at)}
    </span>
  );
}

/** What somebody called something, which may be one long word. */
export function Name({ children }: { children: string }) {
  return <span class="long">{children}</span>;
}

export function Panel({
  title,
  aside,
  children,
}: {
  title: string;
  aside?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class="panel">
      <header>
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

interface Column<T> {
  /** Empty over the buttons, which stand at the right. */
  title: string;
  cell(row: T): ComponentChildren;
  /** Numbers stand at the right. */
  isNumber?: boolean;
}

interface TableProps<T> {
  rows: readonly T[] | undefined;
  columns: Column<T>[];
  rowKey(row: T): string | number;
  /** What is said when there are none. */
  none: string;
}

export function Table<T>({ rows, columns, rowKey, none }: TableProps<T>) {
  if (rows === undefined) return <p class="none">{t('reading')}</p>;
  if (rows.length === 0) return <p class="none">{none}</p>;
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            {columns.map(({ title, isNumber }) => (
              <th key={title} scope="col" class={isNumber ? 'number' : undefined}>
                {title === '' ? <span class="unseen">{t('actions')}</span> : title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map(({ title, cell, isNumber }) => (
                <td key={title} class={isNumber ? 'number' : title === '' ? 'acts' : undefined}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Why something failed, and the code of that. */
export function Why({ code, message }: { code: string | null | undefined; message: string | null }) {
  if (message === null) return null;
  return (
    <>
      {message} <code>{code}</code>
    </>
  );
}

/** A row of facts about one thing. */
export function Fact({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function Failure({ error }: { error: ApiError }) {
  if (error.status === 401) {
    return (
      <p class="failure" role="alert">
        {t('signIn')} <a href={EDITOR.href}>{t('editor')}</a>
      </p>
    );
  }
  return (
    <p class="failure" role="alert">
      <strong>{error.status === 0 ? t('unreachable') : error.message}</strong> {error.hint} <code>{error.code}</code>
    </p>
  );
}

/** A secret that was made, which the API tells this once. */
export function Secret({ secret }: { secret: string }) {
  const place = useRef<HTMLInputElement>(null);
  const copy = () => {
    place.current?.select();
    // The clipboard's own interface is there over HTTPS alone.
    document.execCommand('copy');
  };
  return (
    <div class="failure partial">
      <p>{t('secret.once')}</p>
      <p class="actions">
        <input ref={place} class="secret" readOnly aria-label={t('secret')} value={secret} />
        <button type="button" onClick={copy}>
          {t('copy')}
        </button>
      </p>
    </div>
  );
}

/** From when on what failed is to be delivered once more. */
export function Since({ value, onChange }: { value: string; onChange(value: string): void }) {
  return (
    <input
      type="datetime-local"
      aria-label={t('since')}
      value={value}
      onChange={({ currentTarget }) => currentTarget.value && onChange(currentTarget.value)}
    />
  );
}

interface ActionProps {
  children: string;
  /** Which one of several, for those who do not see where the button stands. */
  of?: string;
  /** Asked before; absent: it is done at once. */
  sure?: string;
  run(): Promise<unknown>;
  /** After it went well. */
  then?(): void;
}

/** A button that does something: it cannot be pressed twice, and what went wrong stands beside it. */
export function Action({ children, of, sure, run, then }: ActionProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const press = async () => {
    if (sure !== undefined && !confirm(sure)) return;
    setBusy(true);
    setError(undefined);
    try {
      await run();
      then?.();
    } catch (thrown) {
      setError(thrown instanceof ApiError ? thrown : new ApiError({ detail: String(thrown) }, 0));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <button type="button" disabled={busy} onClick={press} aria-label={of && `${children}: ${of}`}>
        {children}
      </button>
      {error && (
        <span class="refused" role="alert">
          {error.message} {error.hint} <code>{error.code}</code>
        </span>
      )}
    </>
  );
}
