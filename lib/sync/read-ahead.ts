/** Pulls pages of a source, one ahead of the page in hand and never more. */
export class ReadAhead<Page> {
  private next: Promise<Page | null> | null = null;
  private isReady = false;

  /**
   * @param pull gives the next page, or null at the end
   * @param overlaps whether a page may be pulled while the one before is worked on
   */
  constructor(
    private readonly pull: () => Promise<Page | null>,
    private readonly overlaps: boolean,
  ) {}

  /** True when the next page is there already, so that taking it waits for nothing. */
  get ready(): boolean {
    return this.isReady;
  }

  /** @throws what pulling this page threw */
  async take(): Promise<Page | null> {
    const page = await (this.next ?? this.pull());
    this.next = null;
    this.isReady = false;
    if (page !== null && this.overlaps) this.start();
    return page;
  }

  /** Waits for the page that is being pulled, so that the source can be closed. */
  async settle(): Promise<void> {
    await this.next?.catch(() => undefined);
  }

  private start(): void {
    const next = this.pull();
    this.next = next;
    next.then(
      (page) => {
        this.isReady = page !== null;
      },
      // Whoever takes the page is told why there is none.
      () => undefined,
    );
  }
}
