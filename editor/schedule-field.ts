const SCHEDULE_EXAMPLE = {
  overlap: 'queue_one',
  jitter_seconds: 60,
  blackouts: [{ days: ['sat', 'sun'], from: '00:00', to: '24:00' }],
};
const TYPING_MS = 400;

/** The schedule of a config node: its expression, when that is due next, and its options. */
class ScheduleField {
  private readonly expression = $('#node-config-input-schedule');
  private readonly options: JQuery;
  private readonly note: HTMLElement;
  private typing = 0;
  private asked = 0;

  /** @param connectionZone zone of the connection, which counts when the options name none */
  constructor(
    private readonly node: EditorNode,
    form: 'connection' | 'mapping',
    private readonly connectionZone: () => string,
  ) {
    this.options = $(`#pcp-${form}-schedule-options`);
    this.note = document.getElementById(`pcp-${form}-next-runs`)!;
    jsonField(this.options, filled(node.scheduleOptions), '{}');
    this.options.parent().append(exampleButton(this.options, () => SCHEDULE_EXAMPLE));
    this.expression.on('input change', () => this.look());
    this.options.on('change', () => this.look());
    this.look();
  }

  save(): void {
    this.node.scheduleOptions = jsonFieldValue(this.options) ?? {};
  }

  /** Shows the next due times once nothing was typed for a moment. */
  look(): void {
    window.clearTimeout(this.typing);
    this.typing = window.setTimeout(() => void this.show(), TYPING_MS);
  }

  private async show(): Promise<void> {
    // The form was closed meanwhile, or another one covers it.
    if (!this.note.isConnected) return;
    const asked = ++this.asked;
    const schedule = String(this.expression.val() ?? '').trim();
    const zone = this.zone();
    let shown = '';
    if (schedule !== '' && !isEnvironmentReference(schedule) && !isEnvironmentReference(zone)) {
      const query = new URLSearchParams({ schedule, ...(zone && { timezone: zone }) });
      try {
        const { next_runs: runs } = await callApi<{ next_runs: string[] }>('GET', `/schedules/next?${query}`);
        const times = runs.map((run) => localTime(run, zone || 'UTC'));
        shown = text('schedule.next', { times: times.join(' · '), zone: zone || 'UTC' });
      } catch (error) {
        shown = refusalText(error as Error);
      }
    }
    // Typed on meanwhile: a later question shows its own answer.
    if (asked === this.asked) this.note.textContent = shown;
  }

  private zone(): string {
    const options = jsonFieldValue(this.options) as { timezone?: unknown } | undefined;
    return typeof options?.timezone === 'string' ? options.timezone : this.connectionZone();
  }
}

function localTime(instant: string, timeZone: string): string {
  const form = { weekday: 'short', day: '2-digit', month: '2-digit', hour: '2-digit', minute: '2-digit' } as const;
  return new Date(instant).toLocaleString(locale(), { ...form, second: '2-digit', timeZone });
}
