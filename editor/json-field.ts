/**
 * Turns an input into a JSON editor: one line in the form, the full editor behind its button.
 * @param empty what stands there when there is no value: "[]" or "{}", since an empty text is no JSON
 */
function jsonField(input: JQuery, value: unknown, empty: '[]' | '{}'): void {
  const shown = value === undefined || value === '' ? empty : typeof value === 'string' ? value : JSON.stringify(value);
  input.typedInput({ types: ['json'], default: 'json' });
  input.typedInput('type', 'json');
  input.typedInput('value', shown);
  // The widget puts a field of its own in front of the labelled one.
  const field = input.next('.red-ui-typedInput-container').find('.red-ui-typedInput-input');
  const label = $(`label[for="${input.attr('id')}"]`);
  if (label.length > 0) field.attr('aria-labelledby', label.attr('id', `${input.attr('id')}-label`).attr('id') ?? '');
  else field.attr('aria-label', input.attr('aria-label') ?? '');
}

/** The field's value, undefined when it is empty; text that is no JSON stays text, so that nothing typed is lost. */
function jsonFieldValue(input: JQuery): unknown {
  const raw = String(input.typedInput('value') ?? '').trim();
  if (raw === '' || raw === '[]' || raw === '{}') return undefined;
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
}

/** A button that fills an empty JSON field with an example. */
function exampleButton(input: JQuery, example: () => unknown): HTMLButtonElement {
  const button = element(
    'button',
    { type: 'button', class: 'red-ui-button red-ui-button-small' },
    text('form.example'),
  );
  button.addEventListener('click', () => {
    input.typedInput('value', JSON.stringify(example()));
    input.trigger('change');
  });
  return button;
}
