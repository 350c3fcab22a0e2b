/** Pulls pages of a source, one at a time, so many ahead of the page in hand and never more. */
export class ReadAhead<Page> {
  private readonly coming: Promise<Page | null>[] = [];
  /** Of those that are coming, the ones that are there. */
  private arrived = 0;
  private isPulling = false;
  private isOver = false;

  /**
   * @param pull gives the next page, or null at the end
   * @param depth how many pages may be pulled while the one before is worked on
   */
  constructor(
    private readonly pull: () => Promise<Page | null>,
    private readonly depth: number,
  ) {}

  /** True when the next page is there already, so that taking it waits for nothing. */
  get ready(): boolean {
    return this.arrived > 0;
  }

  /** @throws what pulling this page threw */
  async take(): Promise<Page | null> {
    const page = await (this.coming[0] ?? this.pull());
    this.coming.shift();
    if (page === null) return null;
    if (this.arrived > 0) this.arrived--;
    this.fill();
    return page;
  }

  /** Waits for the page that is being pulled, so that the source can be closed. */
  async settle(): Promise<void> {
    this.isOver = true;
    await Promise.allSettled(this.coming);
  }

  private fill(): void {
    if (this.isPulling || this.isOver || this.coming.length >= this.depth) return;
    this.isPulling = true;
    const next = this.pull();
    this.coming.push(next);
    next.then(
      (page) => {
        this.isPulling = false;
        if (page === null) this.isOver = true;
        else {
          this.arrived++;
          this.fill();
        }
      },
      // Whoever takes the page is told why there is none.
      () => {
        this.isOver = true;
      },
    );
  }
}
