/** A connection may be able to draft its entities from the API's own description: offered beside them, to be corrected there. */
function offerDrafts(form: SettingsForm, connection: () => UnsavedConnection): void {
  const input = $('#pcp-setting-entities');
  const button = element('button', { type: 'button', class: 'red-ui-button red-ui-button-small' }, text('form.drafts'));
  const drafted = element('div', { class: 'pcp-hint' });
  button.addEventListener('click', () => {
    button.disabled = true;
    drafted.textContent = '';
    addDrafts(input, connection())
      .then((added) => {
        form.showProblem('openapi', added.length === 0 ? text('discovery.nothing') : null);
        if (added.length > 0) drafted.textContent = text('form.drafted', { names: added.join(', ') });
      })
      .catch((error: Error) => form.showProblem('openapi', error.message))
      .finally(() => {
        button.disabled = false;
      });
  });
  input.closest('.pcp-row').find('.pcp-error').before(button, drafted);
}

/** Adds drafts to a field of entities; what stands there stays. @returns the names of those that were added */
async function addDrafts(input: JQuery, connection: UnsavedConnection): Promise<string[]> {
  const own = jsonFieldValue(input) ?? {};
  if (typeof own !== 'object') throw new Error(text('form.json'));
  const entities = await listAll<EntityOption>('/connections/entities', connection);
  const drafts: Record<string, unknown> = {};
  for (const { name } of entities.filter(({ kind, name }) => kind === 'draft' && !Object.hasOwn(own!, name))) {
    const path = `/connections/entities/${encodeURIComponent(name)}`;
    const { schema } = await callApi<{ schema: Record<string, unknown> }>('POST', path, connection);
    drafts[name] = schema['x-draft'];
  }
  input.typedInput('value', JSON.stringify({ ...own, ...drafts }));
  input.trigger('change');
  return Object.keys(drafts);
}
