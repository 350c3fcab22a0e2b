interface TestStepAnswer {
  name: string;
  ok: boolean;
  detail?: string;
  error?: FailureAnswer;
  unanswered?: { names: string[]; error: FailureAnswer }[];
}

interface FailureAnswer {
  title?: string;
  message: string;
  hint?: string;
  path?: string;
  code?: string;
  value?: unknown;
}

interface TestAnswer {
  ok: boolean;
  steps: TestStepAnswer[];
  duration_ms: number;
}

/** Form of the pcp-connection config node: connector, its settings, and a test with what stands in the form. */
class ConnectionForm {
  private readonly node: EditorNode;
  private readonly schedule: ScheduleField;
  private settings: SettingsForm | null = null;

  /** @param suggested connector of a connection that is new */
  constructor(node: EditorNode, suggested = 'generic.file') {
    this.node = node;
    const zone = $('#node-config-input-timezone');
    this.schedule = new ScheduleField(node, 'connection', () => String(zone.val() ?? '').trim());
    zone.on('input', () => this.schedule.look());
    const select = $('#node-config-input-connectorType');
    for (const connector of CONNECTORS) {
      select.append(element('option', { value: connector.type }, localized(connector.title)));
    }
    select.val(String(node.connectorType || suggested));
    this.choose(String(select.val()), (node.config as SettingValues) ?? {});
    select.on('change', () => {
      const config = select.val() === node.connectorType ? (node.config as SettingValues) : {};
      this.choose(String(select.val()), config);
    });
    $('#pcp-connection-test').on('click', () => void this.test());
  }

  private choose(type: string, config: SettingValues): void {
    const connector = CONNECTORS.find((candidate) => candidate.type === type);
    const container = document.getElementById('pcp-connection-settings')!;
    this.settings?.dispose();
    this.settings = null;
    container.replaceChildren();
    $('#pcp-connection-description').text(connector ? localized(connector.description) : '');
    if (connector) this.settings = new SettingsForm(container, connector, config, this.node.credentials ?? {});
    const { settings } = this;
    if (settings && connector) offerTagImport(settings, connector, () => this.asItStands(settings));
    if (settings && connector?.tagAddress) {
      browseIntoSettings(settings, connector.tagAddress, () => this.asItStands(settings));
    }
    if (settings?.has('openapi')) offerDrafts(settings, () => this.asItStands(settings));
    document.getElementById('pcp-connection-report')!.replaceChildren();
  }

  save(): void {
    if (this.settings) this.node.config = this.settings.values();
    this.schedule.save();
  }

  close(): void {
    this.settings?.dispose();
  }

  private asItStands(form: SettingsForm): UnsavedConnection {
    return {
      connector_type: String($('#node-config-input-connectorType').val()),
      config: form.values(),
      credentials: form.credentials(),
      node_id: this.node.id,
    };
  }

  private async test(): Promise<void> {
    const form = this.settings;
    if (!form) return;
    const button = $('#pcp-connection-test');
    const report = document.getElementById('pcp-connection-report')!;
    const wrong = form.problems();
    if (wrong.length > 0) {
      showReport(report, ...problemLines(text('test.invalid'), form, wrong));
      form.goTo(wrong[0]!.name);
      return;
    }
    button.prop('disabled', true).attr('aria-busy', 'true');
    showReport(report, element('div', { class: 'pcp-hint' }, text('test.running')));
    try {
      const answer = await callApi<TestAnswer>('POST', '/connections/test', this.asItStands(form));
      for (const { error } of answer.steps) {
        const name = error?.path && fieldOf(form, error.path);
        if (error && name) form.showProblem(name, error.message);
      }
      const lines = reportLines(answer);
      const untrusted = answer.steps.find((step) => step.error?.code === 'PCP_OPCUA_UNTRUSTED')?.error;
      if (untrusted) lines.push(await certificateTrust(String(untrusted.value), () => void this.test()));
      showReport(report, ...lines);
    } catch (error) {
      const refusal = error as ApiError;
      const refused: FieldProblem[] = [];
      for (const { pointer, detail } of refusal.errors ?? []) {
        const name = fieldOf(form, pointer);
        const needed = refusal.code === 'PCP_SECRET_NEEDED';
        if (name) refused.push({ name, problem: needed ? text('test.secret_needed') : detail });
      }
      for (const { name, problem } of refused) form.showProblem(name, problem);
      const known = refused.length > 0 && refusal.code === 'PCP_SETTINGS_INVALID';
      const title = known ? text('test.invalid') : refusal.message;
      showReport(report, ...problemLines(title, form, refused, refusal.hint));
      if (refused[0]) form.goTo(refused[0].name);
    } finally {
      button.prop('disabled', false).removeAttr('aria-busy');
    }
  }
}

/** "/config/host" and "/credentials/password" name a field of the form. */
function fieldOf(form: SettingsForm, pointer: string): string | undefined {
  return pointer.split('/').find((part) => form.has(part));
}

/** Puts the lines into a form's report and brings them into view, since it stands at the end of a long form. */
function showReport(report: HTMLElement, ...lines: HTMLElement[]): void {
  report.replaceChildren(...lines);
  report.scrollIntoView({ block: 'nearest' });
}

/** What is wrong, field by field, for the place beside the button: the fields themselves may be out of sight. */
function problemLines(title: string, form: SettingsForm, problems: FieldProblem[], hint = ''): HTMLElement[] {
  const fields = problems.map(({ name, problem }) =>
    element('div', { class: 'pcp-step' }, element('b', {}, `${form.labelOf(name)}: `), problem),
  );
  return [stepLine(false, title, hint), ...fields];
}

function reportLines(answer: TestAnswer): HTMLElement[] {
  const lines = answer.steps.flatMap((step) => {
    const detail = step.error ? step.error.message : (step.detail ?? '');
    const line = detail ? `${text(`step.${step.name}`)}: ${detail}` : text(`step.${step.name}`);
    const unanswered = (step.unanswered ?? []).map(({ names, error }) => {
      const why = names.length > 1 && error.title ? error.title : error.message;
      return stepLine(false, `${names.join(', ')}: ${why}`, error.hint ?? '');
    });
    return [stepLine(step.ok, line, step.error?.hint ?? ''), ...unanswered];
  });
  const verdict = text(answer.ok ? 'test.passed' : 'test.failed', { seconds: inSeconds(answer.duration_ms) });
  return [...lines, element('div', { class: 'pcp-verdict' }, verdict)];
}

function inSeconds(milliseconds: number): string {
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return (milliseconds / 1000).toLocaleString(locale(), digits);
}

function stepLine(ok: boolean, line: string, hint: string): HTMLElement {
  const mark = element(
    'span',
    { class: 'pcp-mark', 'aria-label': text(ok ? 'test.ok' : 'test.not_ok') },
    ok ? '✓' : '✗',
  );
  const created = element(
    'div',
    { class: ok ? 'pcp-step pcp-ok' : 'pcp-step pcp-not-ok' },
    mark,
    element('span', {}, line),
  );
  if (hint) created.append(element('div', { class: 'pcp-help' }, hint));
  return created;
}

/** What a connection without a name is called. */
function connectorTitle(connectorType: unknown): string {
  const connector = CONNECTORS.find((candidate) => candidate.type === connectorType);
  return connector ? localized(connector.title) : '';
}

/** Validator of the `config` property: every setting that the form shows must be right. */
function connectionProblem(connectorType: unknown, config: unknown): true | string {
  const connector = CONNECTORS.find((candidate) => candidate.type === connectorType);
  if (!connector) return text('form.connector');
  const values = withDefaults(connector, (config ?? {}) as SettingValues);
  for (const [name, setting] of Object.entries(connector.settings)) {
    if (setting.kind === 'secret' || !settingShown(setting, values)) continue;
    const problem = settingProblem(setting, values[name]);
    if (problem) return `${localized(setting.label)}: ${problem}`;
  }
  return true;
}
