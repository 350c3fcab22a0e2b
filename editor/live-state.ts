interface LiveAnswer {
  state: string;
  since: string;
  error: { message: string; hint?: string } | null;
  received: number;
  records_per_second: number;
  last_record_at: string | null;
  stuck_tags: string[];
  backlog: { records: number; bytes: number; oldest_at: string | null };
  alarms: { kind: string; count: number; since: string }[];
}

interface MappingAnswer {
  id: number;
  node_id: string | null;
  live?: LiveAnswer | null;
}

const LOOK_EVERY_MS = 2_000;
/** States in which there is nothing for a person to do. */
const WELL = ['connecting', 'connected', 'standby'];

/** How the stream of a live mapping is, as long as the form is open. */
class LiveState {
  private readonly place = document.getElementById('pcp-mapping-live')!;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private id: number | undefined;
  private isOpen = true;

  constructor(private readonly node: EditorNode) {
    void this.look();
  }

  close(): void {
    this.isOpen = false;
    clearTimeout(this.timer);
  }

  private async look(): Promise<void> {
    try {
      const live = await this.read();
      this.place.replaceChildren(...(live ? liveLines(live) : []));
      if (live === undefined || !this.isOpen) return;
    } catch (error) {
      this.place.replaceChildren(element('div', { class: 'pcp-hint' }, refusalText(error as Error)));
    }
    if (this.isOpen) this.timer = setTimeout(() => void this.look(), LOOK_EVERY_MS);
  }

  /** @returns undefined for a mapping that is not deployed, or not live; null while nobody listens to it */
  private async read(): Promise<LiveAnswer | null | undefined> {
    if (this.node.syncMode !== 'live') return undefined;
    this.id ??= (await listAll<MappingAnswer>('/mappings')).find(({ node_id }) => node_id === this.node.id)?.id;
    if (this.id === undefined) return undefined;
    return (await callApi<MappingAnswer>('GET', `/mappings/${this.id}`)).live;
  }
}

function liveLines(live: LiveAnswer): HTMLElement[] {
  const { state, error, received, backlog, alarms } = live;
  const since = moment(live.since);
  const lines = [stepLine(WELL.includes(state), text(`live.state.${state}`, { since }), error?.hint ?? '')];
  const say = (line: string) => lines.push(element('div', { class: 'pcp-step pcp-live-line' }, line));
  if (error) say(error.message);
  if (live.last_record_at) {
    const rate = live.records_per_second.toLocaleString(locale());
    say(text('live.received', { count: figure(received), rate, last: moment(live.last_record_at) }));
  }
  if (backlog.records > 0) {
    const oldest = backlog.oldest_at ? moment(backlog.oldest_at) : '–';
    say(text('live.backlog', { count: figure(backlog.records), oldest }));
  }
  for (const { kind, count, since: begun } of alarms) {
    // The state says it already.
    if (kind === 'silent') continue;
    const tags = kind === 'stuck' ? live.stuck_tags.slice(0, 10).join(', ') : '';
    lines.push(stepLine(false, text(`live.alarm.${kind}`, { count: figure(count), since: moment(begun) }), tags));
  }
  return lines;
}

function figure(count: number): string {
  return count.toLocaleString(locale());
}

/** The time, and the day unless it is today's. */
function moment(at: string): string {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? date.toLocaleTimeString(locale()) : date.toLocaleString(locale());
}
