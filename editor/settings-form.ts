type SettingValues = Record<string, unknown>;

interface FieldProblem {
  name: string;
  problem: string;
}

const GROUPS = ['connection', 'authentication', 'entities', 'security', 'advanced'];

/** Is the setting part of the form with these values? */
function settingShown(setting: FormSetting, values: SettingValues): boolean {
  return Object.entries(setting.showWhen ?? {}).every(([name, allowed]) =>
    allowed.some((value) => String(value) === String(values[name])),
  );
}

/** Why a value cannot be right, or null. Environment references are judged when the flow starts. */
function settingProblem(setting: FormSetting, value: unknown): string | null {
  const empty = value === undefined || value === null || value === '';
  if (empty) return setting.required && setting.default === undefined ? text('form.required') : null;
  if (isEnvironmentReference(value)) return null;
  if (setting.kind === 'integer') {
    const number = Number(value);
    if (!Number.isInteger(number)) return text('form.integer');
    if (setting.minimum !== undefined && number < setting.minimum)
      return text('form.minimum', { minimum: setting.minimum });
    if (setting.maximum !== undefined && number > setting.maximum)
      return text('form.maximum', { maximum: setting.maximum });
  }
  if (setting.kind === 'text' && setting.pattern && !new RegExp(setting.pattern, 'u').test(String(value))) {
    return text('form.pattern');
  }
  if (setting.kind === 'json' && typeof value === 'string') return text('form.json');
  return null;
}

/** The fields of one connector, in its groups, inside a container of the edit form. */
class SettingsForm {
  private readonly connector: FormConnector;
  private readonly container: HTMLElement;
  private readonly rows = new Map<string, HTMLElement>();

  constructor(container: HTMLElement, connector: FormConnector, config: SettingValues, credentials: SettingValues) {
    this.container = container;
    this.connector = connector;
    container.replaceChildren();
    for (const group of GROUPS) this.addGroup(group, config, credentials);
    container.addEventListener('change', this.refresh);
    container.addEventListener('input', this.refresh);
    this.refresh();
  }

  dispose(): void {
    this.container.removeEventListener('change', this.refresh);
    this.container.removeEventListener('input', this.refresh);
  }

  private addGroup(group: string, config: SettingValues, credentials: SettingValues): void {
    const settings = Object.entries(this.connector.settings).filter(([, setting]) => setting.group === group);
    if (settings.length === 0) return;
    const folded = group === 'advanced';
    const section = folded ? element('details', { class: 'pcp-group' }) : element('fieldset', { class: 'pcp-group' });
    section.append(element(folded ? 'summary' : 'legend', {}, text(`group.${group}`)));
    this.container.append(section);
    for (const [name, setting] of settings) {
      const row = this.addRow(section, name, setting);
      this.rows.set(name, row);
      if (setting.kind === 'secret') this.fillSecret(name, credentials);
      else this.fill(name, setting, config[name] ?? setting.default);
    }
  }

  private addRow(section: HTMLElement, name: string, setting: FormSetting): HTMLElement {
    const id = this.inputId(name, setting);
    const label = element('label', { for: id }, localized(setting.label));
    if (setting.required) label.append(element('span', { class: 'pcp-required', title: text('form.required') }, ' *'));
    const input = this.inputFor(id, setting);
    const row = element('div', { class: `form-row pcp-row pcp-${setting.kind}`, 'data-setting': name }, label, input);
    section.append(row);
    if (setting.help) {
      const help = element('div', { class: 'pcp-help', id: `${id}-help` }, localized(setting.help));
      input.setAttribute('aria-describedby', help.id);
      row.append(help);
    }
    if (setting.kind === 'json' && setting.example !== undefined)
      row.append(exampleButton($(input), () => setting.example));
    row.append(element('div', { class: 'pcp-error', role: 'alert' }));
    return row;
  }

  /** Secrets carry the id that Node-RED itself reads credentials from. */
  private inputId(name: string, setting: FormSetting): string {
    return setting.kind === 'secret' ? `node-config-input-${name}` : `pcp-setting-${name}`;
  }

  private inputFor(id: string, setting: FormSetting): HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement {
    const placeholder = setting.placeholder ?? '';
    if (setting.kind === 'choice') {
      const select = element('select', { id });
      for (const option of setting.options ?? []) {
        select.append(element('option', { value: option.value }, localized(option.label)));
      }
      return select;
    }
    if (setting.kind === 'boolean') return element('input', { id, type: 'checkbox' });
    if (setting.multiline) {
      return element('textarea', { id, rows: '4', autocomplete: 'off', spellcheck: 'false', placeholder });
    }
    const type = setting.kind === 'secret' ? 'password' : 'text';
    return element('input', {
      id,
      type,
      placeholder,
      autocomplete: setting.kind === 'secret' ? 'new-password' : 'off',
    });
  }

  private input(name: string): JQuery {
    const setting = this.connector.settings[name]!;
    return $(`#${this.inputId(name, setting)}`);
  }

  private fill(name: string, setting: FormSetting, value: unknown): void {
    const input = this.input(name);
    if (setting.kind === 'json') jsonField(input, value, Array.isArray(setting.example) ? '[]' : '{}');
    else if (setting.kind === 'boolean') input.prop('checked', value === true || value === 'true');
    else if (setting.kind === 'choice') this.fillChoice(input, value);
    else input.val(value === undefined || value === null ? '' : String(value));
  }

  /** A choice may hold `${NAME}`, which is none of its options: it is kept as one more. */
  private fillChoice(input: JQuery, value: unknown): void {
    if (isEnvironmentReference(value)) input.append(element('option', { value: String(value) }, String(value)));
    if (value !== undefined) input.val(String(value));
  }

  /** Node-RED never sends a password back; `__PWRD__` stands for the one it keeps. */
  private fillSecret(name: string, credentials: SettingValues): void {
    const kept = credentials[`has_${name}`] === true;
    const typed = credentials[name];
    this.input(name).val(typeof typed === 'string' && typed !== '' ? typed : kept ? '__PWRD__' : '');
  }

  private read(name: string, setting: FormSetting): unknown {
    const input = this.input(name);
    if (setting.kind === 'json') return jsonFieldValue(input);
    if (setting.kind === 'boolean') return input.prop('checked');
    const typed = String(input.val() ?? '').trim();
    if (typed === '') return undefined;
    return wholeNumber(setting, typed);
  }

  /** All values as they stand in the form, shown or not. */
  private all(): SettingValues {
    const entries = Object.entries(this.connector.settings).filter(([, setting]) => setting.kind !== 'secret');
    return Object.fromEntries(entries.map(([name, setting]) => [name, this.read(name, setting)]));
  }

  /** The `config` of the connection: what is filled in and shown. */
  values(): SettingValues {
    const all = this.all();
    const shown = Object.entries(all).filter(
      ([name, value]) => value !== undefined && settingShown(this.connector.settings[name]!, all),
    );
    return Object.fromEntries(shown);
  }

  /** All secrets: what is typed, `true` for one that is kept, nothing for what is not shown. */
  credentials(): Record<string, string | true> {
    const all = this.all();
    const secrets = Object.entries(this.connector.settings).filter(([, setting]) => setting.kind === 'secret');
    return Object.fromEntries(
      secrets.map(([name, setting]) => {
        const typed = settingShown(setting, all) ? String(this.input(name).val() ?? '') : '';
        return [name, typed === '__PWRD__' ? true : typed];
      }),
    );
  }

  private readonly refresh = (): void => {
    const all = this.all();
    for (const [name, row] of this.rows) {
      const setting = this.connector.settings[name]!;
      row.hidden = !settingShown(setting, all);
      const value = setting.kind === 'secret' ? this.input(name).val() : all[name];
      this.showProblem(name, row.hidden ? null : settingProblem(setting, value));
    }
    for (const section of this.container.querySelectorAll<HTMLElement>('.pcp-group')) {
      section.hidden = [...section.querySelectorAll<HTMLElement>('.pcp-row')].every((row) => row.hidden);
    }
  };

  /** Writes a problem under its field and marks the field; null takes it away. */
  showProblem(name: string, problem: string | null): void {
    const row = this.rows.get(name);
    if (!row) return;
    row.querySelector('.pcp-error')!.textContent = problem ?? '';
    const input = this.input(name);
    input.toggleClass('input-error', problem !== null);
    input.attr('aria-invalid', String(problem !== null));
  }

  /** What is wrong with the fields that are shown, from top to bottom. */
  problems(): FieldProblem[] {
    const all = this.all();
    const problems: FieldProblem[] = [];
    for (const [name, row] of this.rows) {
      const setting = this.connector.settings[name]!;
      const value = setting.kind === 'secret' ? this.input(name).val() : all[name];
      const problem = row.hidden ? null : settingProblem(setting, value);
      if (problem !== null) problems.push({ name, problem });
    }
    return problems;
  }

  /** Brings a field into view, out of a folded group too, and the cursor into it. */
  goTo(name: string): void {
    const row = this.rows.get(name);
    row?.closest('details')?.setAttribute('open', '');
    row?.scrollIntoView({ block: 'nearest' });
    this.input(name)[0]?.focus({ preventScroll: true });
  }

  labelOf(name: string): string {
    return localized(this.connector.settings[name]!.label);
  }

  has(name: string): boolean {
    return this.rows.has(name);
  }
}
