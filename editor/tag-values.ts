interface TagValueAnswer {
  tag: string;
  value: unknown;
  quality: string;
  status?: string;
  unit?: string;
}

/** Read again after so long, as long as they can be seen; so many at once. */
const READ_EVERY_MS = 2_000;
const SOON_MS = 100;
const MOST_READ = 50;
const LONGEST_VALUE = 40;

/** Values now of the tags that can be seen, one request after the other. */
class TagValues {
  private readonly visible = new Map<HTMLElement, string>();
  private readonly addresses = new WeakMap<Element, string>();
  private readonly observer = new IntersectionObserver((entries) => this.seen(entries));
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isReading = false;

  /** @param read asks for what lies at a path of the connection */
  constructor(private readonly read: (path: string) => Promise<TagValueAnswer[]>) {}

  /** Where the value of a tag is shown. */
  place(address: string): HTMLElement {
    const place = element('span', { class: 'pcp-tag-value' });
    this.addresses.set(place, address);
    this.observer.observe(place);
    return place;
  }

  clear(): void {
    clearTimeout(this.timer);
    this.observer.disconnect();
    this.visible.clear();
  }

  private seen(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.visible.set(target as HTMLElement, this.addresses.get(target) ?? '');
      else this.visible.delete(target as HTMLElement);
    }
    this.readIn(SOON_MS);
  }

  private readIn(milliseconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.readVisible(), milliseconds);
  }

  private async readVisible(): Promise<void> {
    const places = [...this.visible].filter(([place]) => place.isConnected).slice(0, MOST_READ);
    if (places.length === 0 || this.isReading) return;
    this.isReading = true;
    try {
      const tags = JSON.stringify(places.map(([, address]) => address));
      const values = await this.read(`/values?tags=${encodeURIComponent(tags)}`);
      for (const [index, [place]] of places.entries()) showValue(place, values[index]);
    } catch (error) {
      for (const [place] of places) place.title = refusalText(error as Error);
    } finally {
      this.isReading = false;
    }
    this.readIn(READ_EVERY_MS);
  }
}

function showValue(place: HTMLElement, answer: TagValueAnswer | undefined): void {
  if (!answer) return;
  const isGood = answer.quality === 'good';
  const shown = [isGood || answer.value !== null ? shownValue(answer.value) : '', answer.status ?? ''];
  place.textContent = shown.filter(Boolean).join(' ');
  place.title = place.textContent;
  place.classList.toggle('pcp-tag-bad', !isGood);
}

function shownValue(value: unknown): string {
  const whole = typeof value === 'number' ? value.toLocaleString(locale()) : plainText(value);
  return whole.length > LONGEST_VALUE ? `${whole.slice(0, LONGEST_VALUE)}…` : whole;
}

function plainText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
