/** The setting `tags` can be filled from a file: a register map, a list of nodes. What it names anew replaces what stands there. */
function offerTagImport(form: SettingsForm, connector: FormConnector, connection: () => UnsavedConnection): void {
  const { tagImport } = connector;
  if (!tagImport) return;
  const input = $('#pcp-setting-tags');
  const button = element('button', { type: 'button', class: 'red-ui-button red-ui-button-small' }, text('tags.import'));
  const file = element('input', {
    type: 'file',
    accept: tagImport.accept,
    hidden: '',
    'aria-label': text('tags.import'),
  });
  const asked = element('div', { class: 'pcp-tag-import' });
  const hint = element('div', { class: 'pcp-hint', role: 'status' });
  input.closest('.pcp-row').find('.pcp-error').before(button, file, asked, hint);

  const bring = async (content: string, options: Record<string, unknown>): Promise<void> => {
    button.disabled = true;
    try {
      const own = jsonFieldValue(input) ?? {};
      if (typeof own !== 'object') throw new Error(text('form.json'));
      const body = { connection: connection(), content, options };
      const { tags } = await callApi<{ tags: Record<string, unknown> }>('POST', '/connections/tags', body);
      input.typedInput('value', JSON.stringify({ ...own, ...tags }));
      input.trigger('change');
      asked.replaceChildren();
      hint.textContent = text('tags.imported', { count: Object.keys(tags).length });
    } catch (error) {
      form.showProblem('tags', refusalText(error as Error));
    } finally {
      button.disabled = false;
    }
  };
  button.addEventListener('click', () => file.click());
  file.addEventListener('change', async () => {
    const [chosen] = file.files ?? [];
    if (!chosen) return;
    const content = await chosen.text();
    // The same file may be chosen again, when it was corrected.
    file.value = '';
    form.showProblem('tags', null);
    hint.textContent = '';
    const isJson = content.trimStart().startsWith('{');
    if (isJson && tagImport.jsonFormat) askFirst(asked, tagImport, (options) => void bring(content, options));
    else await bring(content, {});
  });
}

/** A model in JSON does not say where it stands in the device. */
function askFirst(
  place: HTMLElement,
  { jsonFormat, jsonParameters }: NonNullable<FormConnector['tagImport']>,
  go: (options: Record<string, unknown>) => void,
): void {
  const fields = Object.entries(jsonParameters).map(([name, { label, help }]) => {
    const id = `pcp-tag-import-${name}`;
    const field = element('input', { id, type: 'text', autocomplete: 'off' });
    const row = element('div', {}, element('label', { for: id }, localized(label)), field);
    if (help) row.append(element('div', { class: 'pcp-help' }, localized(help)));
    return { name, field, row };
  });
  const button = element('button', { type: 'button', class: 'red-ui-button' }, text('tags.take'));
  button.addEventListener('click', () => {
    const typed = fields.map(({ name, field }): [string, string] => [name, field.value.trim()]);
    go({ format: jsonFormat, ...Object.fromEntries(typed.filter(([, value]) => value !== '')) });
  });
  place.replaceChildren(...fields.map(({ row }) => row), button);
  fields[0]?.field.focus();
}
