import { useState } from 'preact/hooks';
import type { DeadLetterGroup } from '../../lib/model/services';
import type { DeadLetter } from '../../lib/model/sync';
import { ApiError, ask, get, list, type Page, post } from '../api';
import { instant, number } from '../format';
import { Action, Fact, Failure, Name, Panel, State, Table, When, Why } from '../parts';
import { useHint, usePlant } from '../plant';
import { usePolled } from '../polled';
import { t } from '../words';

/** "dead-letters", "dead-letters/group/<group>/<mapping>", "dead-letters/run/<run>" or "dead-letters/<letter>". */
export function DeadLetters({ path: [first, second, third] }: { path: string[] }) {
  if (first === undefined) return <Groups />;
  if (first === 'group') return <Letters of={{ group: second ?? '', mapping_id: Number(third) }} state="open" />;
  if (first === 'run') return <Letters of={{ sync_log_id: Number(second) }} />;
  return <Letter key={first} id={first} />;
}

function Groups() {
  const { mappingName } = usePlant();
  const { value, error, refresh } = usePolled('groups', () =>
    list<DeadLetterGroup>('sync/dead-letters/groups?state=open'),
  );
  return (
    <Panel title={t('view.dead-letters')}>
      {error && <Failure error={error} />}
      <Table
        rows={value}
        rowKey={({ group, mapping_id }) => `${group} ${mapping_id}`}
        none={t('deadLetters.none')}
        columns={[
          { title: t('records'), isNumber: true, cell: ({ count }) => number(count) },
          {
            title: t('why'),
            cell: ({ group, mapping_id, message }) => (
              <a href={`#/dead-letters/group/${group}/${mapping_id}`}>{message}</a>
            ),
          },
          { title: t('code'), cell: ({ code }) => <code>{code}</code> },
          { title: t('field'), cell: ({ field }) => field ?? '–' },
          { title: t('mapping'), cell: ({ mapping_id }) => <Name>{mappingName(mapping_id)}</Name> },
          { title: t('last'), cell: ({ last_at }) => <When at={last_at} /> },
          {
            title: '',
            cell: ({ group, mapping_id, count, message, error_class }) => (
              <Action
                of={message}
                sure={sendsAgain(error_class) ? t('sureSendAgain', { count }) : t('sureReplay', { count })}
                run={() => post('sync/dead-letters/replay', { group, mapping_id })}
                then={refresh}
              >
                {t('replay')}
              </Action>
            ),
          },
        ]}
      />
    </Panel>
  );
}

function Letters({ of, state }: { of: Record<string, string | number>; state?: DeadLetter['state'] }) {
  const query = new URLSearchParams({ ...of, ...(state && { state }), limit: '100' } as Record<string, string>);
  const { value, error, refresh } = usePolled(`letters ${query}`, () =>
    get<Page<DeadLetter>>(`sync/dead-letters?${query}`),
  );
  const open = value?.items.filter((letter) => letter.state === 'open') ?? [];
  const undecided = open.filter((letter) => sendsAgain(letter.error_class)).length;
  const replay = (
    <Action
      sure={undecided > 0 ? t('sureSendAgain', { count: undecided }) : t('sureReplayAll')}
      run={() => post('sync/dead-letters/replay', of)}
      then={refresh}
    >
      {t('replayAll')}
    </Action>
  );
  return (
    <>
      <p class="trail">
        <a href="#/dead-letters">{t('view.dead-letters')}</a>
      </p>
      <Panel title={t('records')} aside={open.length > 0 && replay}>
        {error && <Failure error={error} />}
        <Table
          rows={value?.items}
          rowKey={({ id }) => id}
          none={t('deadLetters.none')}
          columns={[
            {
              title: t('deadLetter'),
              cell: ({ id, source_key }) => <a href={`#/dead-letters/${id}`}>{keyText(id, source_key)}</a>,
            },
            { title: t('state'), cell: ({ state }) => <State value={state} /> },
            { title: t('why'), cell: ({ code, message }) => <Why code={code} message={message} /> },
            { title: t('field'), cell: ({ field }) => field ?? '–' },
            { title: t('position'), cell: ({ position }) => position ?? '–' },
            { title: t('tried'), isNumber: true, cell: ({ attempts }) => number(attempts) },
            { title: t('last'), cell: ({ last_at }) => <When at={last_at} /> },
          ]}
        />
        {value?.next_cursor && <p class="none">{t('newestOnly', { count: value.items.length })}</p>}
      </Panel>
    </>
  );
}

function Letter({ id }: { id: string }) {
  const hint = useHint();
  const { mappingName } = usePlant();
  const path = `sync/dead-letters/${id}`;
  const { value, error, refresh } = usePolled(`letter ${id}`, () => ask<DeadLetter>(path), 3_000);
  const [draft, setDraft] = useState<{ text: string; etag: string | undefined }>();
  if (value === undefined) return error ? <Failure error={error} /> : <p class="none">{t('reading')}</p>;
  const { value: letter, etag } = value;
  const isOpen = letter.state === 'open';
  const kept = JSON.stringify(letter.payload, null, 2);
  const save = async () => {
    if (draft === undefined) return;
    const record = objectOf(draft.text);
    if (record === undefined || Array.isArray(record))
      throw new ApiError({ code: 'NOT_JSON', detail: t('notJson') }, 422);
    // As it was typed, lest a long number change.
    await ask(path, { method: 'PUT', body: `{"payload":${draft.text}}`, ifMatch: draft.etag });
    setDraft(undefined);
  };
  return (
    <>
      <p class="trail">
        <a href="#/dead-letters">{t('view.dead-letters')}</a> › {keyText(letter.id, letter.source_key)}
      </p>
      <Panel title={letter.message} aside={<State value={letter.state} />}>
        {error && <Failure error={error} />}
        {isOpen && <p class="quiet">{hint(letter.code)}</p>}
        <dl class="counts">
          <Fact title={t('position')}>{letter.position ?? '–'}</Fact>
          <Fact title={t('mapping')}>{mappingName(letter.mapping_id)}</Fact>
          <Fact title={t('code')}>
            <code>{letter.code}</code>
          </Fact>
          <Fact title={t('field')}>{letter.field ?? '–'}</Fact>
          <Fact title={t('value')}>
            {letter.value === null ? '–' : <code class="long">{valueText(letter.value)}</code>}
          </Fact>
          <Fact title={t('run')}>
            <a href={`#/runs/${letter.sync_log_id}`}>#{letter.sync_log_id}</a>
          </Fact>
          <Fact title={t('tried')}>{number(letter.attempts)}</Fact>
          <Fact title={t('last')}>{instant(letter.last_at)}</Fact>
        </dl>
        <label class="payload">
          {letter.edited ? t('payload.edited') : t('payload')}
          <textarea
            spellcheck={false}
            rows={Math.min(kept?.split('\n').length ?? 3, 24)}
            readOnly={!isOpen}
            value={(isOpen ? draft?.text : undefined) ?? kept ?? letter.payload_error ?? ''}
            onInput={({ currentTarget }) => setDraft({ text: currentTarget.value, etag: draft?.etag ?? etag })}
          />
        </label>
        {!isOpen && draft !== undefined && <p class="failure partial">{t('closedMeanwhile')}</p>}
        {isOpen && (
          <p class="actions">
            {draft === undefined ? (
              <Action
                {...(sendsAgain(letter.error_class) && { sure: t('sureSendAgain', { count: 1 }) })}
                run={() => post('sync/dead-letters/replay', { ids: [letter.id] })}
                then={refresh}
              >
                {t('replay')}
              </Action>
            ) : (
              <>
                <Action run={save} then={refresh}>
                  {t('save')}
                </Action>
                <button type="button" onClick={() => setDraft(undefined)}>
                  {t('undo')}
                </button>
              </>
            )}
            <Action sure={t('sureDiscard')} run={() => post(`${path}/discard`)} then={refresh}>
              {t('discard')}
            </Action>
          </p>
        )}
      </Panel>
    </>
  );
}

/** The write may have taken place, so a replay has to be thought over. */
function sendsAgain(errorClass: string): boolean {
  return errorClass === 'unknown_outcome';
}

/** A text stands for itself. */
function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A key is kept as the JSON list of its parts; a record that has none, by its place in the source. */
function keyText(id: number, key: string | null): string {
  if (key === null) return `#${id}`;
  const parts = objectOf(key);
  return Array.isArray(parts) ? parts.join(' / ') : key;
}

function objectOf(json: string): object | undefined {
  try {
    const value = JSON.parse(json) as unknown;
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
