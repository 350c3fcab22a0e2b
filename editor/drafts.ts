interface DraftOption {
  name: string;
  kind: string;
  draft?: unknown;
  /** Why there are no drafts, or maybe not all. */
  error?: { message: string; hint?: string };
}

/** So few are taken over unless some are unticked; among more the wanted ones are looked for. */
const FEW_DRAFTS = 20;

/**
 * A connection may be able to draft its entities from the API's own description, or from a file that holds it: offered beside
 * them, to be corrected there.
 */
function offerDrafts(form: SettingsForm, connection: () => UnsavedConnection): void {
  const input = $('#pcp-setting-entities');
  const small = { type: 'button', class: 'red-ui-button red-ui-button-small' };
  const ask = element('button', small, text('form.drafts'));
  const choose = element('button', small, text('form.drafts_file'));
  const file = element('input', {
    type: 'file',
    accept: '.json,.yaml,.yml',
    hidden: '',
    'aria-label': text('form.drafts_file'),
  });
  const found = element('div', { class: 'pcp-drafts' });
  const hint = element('div', { class: 'pcp-hint', role: 'status' });
  input.closest('.pcp-row').find('.pcp-error').before(ask, choose, file, found, hint);

  const offer = async (values: UnsavedConnection): Promise<void> => {
    ask.disabled = choose.disabled = true;
    found.replaceChildren();
    hint.textContent = text('form.drafting');
    form.showProblem('openapi', null);
    try {
      const { drafts, error } = await listDrafts(input, values);
      const nothing = drafts.length === 0 ? text('discovery.nothing') : null;
      form.showProblem('openapi', error ? `${error.message} ${error.hint ?? ''}` : nothing);
      if (drafts.length > 0) found.append(...draftList(drafts, takeOver));
    } catch (error) {
      form.showProblem('openapi', `${refusalText(error as Error)} ${(error as ApiError).hint ?? ''}`);
    } finally {
      hint.textContent = '';
      ask.disabled = choose.disabled = false;
    }
  };
  const takeOver = (chosen: DraftOption[]) => {
    const drafts = Object.fromEntries(chosen.map(({ name, draft }) => [name, draft]));
    input.typedInput('value', JSON.stringify({ ...(jsonFieldValue(input) as object | null), ...drafts }));
    input.trigger('change');
    found.replaceChildren();
    hint.textContent = text('form.drafted', { names: chosen.map(({ name }) => name).join(', ') });
  };
  ask.addEventListener('click', () => void offer(connection()));
  choose.addEventListener('click', () => file.click());
  file.addEventListener('change', async () => {
    const [chosen] = file.files ?? [];
    if (!chosen) return;
    const values = connection();
    const openapi = await chosen.text();
    // The same file may be chosen again, when it was corrected.
    file.value = '';
    await offer({ ...values, config: { ...values.config, openapi } });
  });
}

/** Drafts of what is not among the entities yet. */
async function listDrafts(
  input: JQuery,
  connection: UnsavedConnection,
): Promise<{ drafts: DraftOption[]; error?: DraftOption['error'] }> {
  const own = jsonFieldValue(input) ?? {};
  if (typeof own !== 'object') throw new Error(text('form.json'));
  const entities = await listAll<DraftOption>('/connections/entities', connection);
  const offered = entities.filter(({ kind }) => kind === 'draft');
  const error = offered.find((entity) => entity.error)?.error;
  const drafts = offered.filter(({ name, draft }) => draft !== undefined && !Object.hasOwn(own!, name));
  return { drafts, ...(error && { error }) };
}

/** The drafts with boxes to be ticked, a filter where they are many, and what takes the ticked ones over. */
function draftList(drafts: DraftOption[], takeOver: (chosen: DraftOption[]) => void): HTMLElement[] {
  const isFew = drafts.length <= FEW_DRAFTS;
  const rows = drafts.map((draft) => {
    const box = element('input', { type: 'checkbox' });
    box.checked = isFew;
    const path = (draft.draft as { path?: string }).path ?? '';
    return { draft, box, row: element('label', {}, box, draft.name, element('span', {}, path)) };
  });
  const take = element('button', { type: 'button', class: 'red-ui-button red-ui-button-small' });
  const ticked = () => rows.filter(({ box }) => box.checked).map(({ draft }) => draft);
  const count = () => {
    take.textContent = text('form.take_drafts', { count: ticked().length });
    take.disabled = ticked().length === 0;
  };
  const list = element('div', { class: 'pcp-draft-list' }, ...rows.map(({ row }) => row));
  list.addEventListener('change', count);
  take.addEventListener('click', () => takeOver(ticked()));
  count();
  if (isFew) return [list, take];
  const filter = element('input', { type: 'text', placeholder: text('form.find_drafts', { count: drafts.length }) });
  filter.addEventListener('input', () => {
    const wanted = filter.value.trim().toLowerCase();
    for (const { row } of rows) row.hidden = !row.textContent?.toLowerCase().includes(wanted);
  });
  return [filter, list, take];
}
