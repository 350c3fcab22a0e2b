/** Turns an input into a JSON editor: one line in the form, the full editor behind its button. */
function jsonField(input: JQuery, value: unknown): void {
  const isText = typeof value === 'string';
  input.typedInput({ types: ['json'], default: 'json' });
  input.typedInput('type', 'json');
  input.typedInput('value', value === undefined ? '' : isText ? value : JSON.stringify(value));
}

/** The field's value; text that is no JSON stays text, so that nothing an author typed is lost. */
function jsonFieldValue(input: JQuery): unknown {
  const raw = String(input.typedInput('value') ?? '').trim();
  if (raw === '') return undefined;
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
}

/** A button that fills an empty JSON field with an example. */
function exampleButton(input: JQuery, example: unknown): HTMLButtonElement {
  const button = element(
    'button',
    { type: 'button', class: 'red-ui-button red-ui-button-small' },
    text('form.example'),
  );
  button.addEventListener('click', () => {
    input.typedInput('value', JSON.stringify(example));
    input.trigger('change');
  });
  return button;
}
