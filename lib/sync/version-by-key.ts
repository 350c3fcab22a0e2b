/**
 * What tells the versions of a record apart, its text or its hash, by the records' keys. Sources that sort by key are the
 * rule: a key beyond all others is new without a look, and a table of them is made when the first one comes out of order.
 */
export class VersionByKey {
  private readonly keys: string[] = [];
  private readonly versions: string[] = [];
  private last = '';
  private table: Map<string, string> | null = null;

  get(key: string): string | undefined {
    return this.isBeyond(key) ? undefined : this.map().get(key);
  }

  has(key: string): boolean {
    return !this.isBeyond(key) && this.map().has(key);
  }

  set(key: string, version: string): void {
    if (this.add(key, version) !== undefined) this.map().set(key, version);
  }

  /** @returns what the key has already, and keeps */
  add(key: string, version: string): string | undefined {
    if (this.isBeyond(key)) {
      this.keys.push(key);
      this.versions.push(version);
      this.last = key;
      return undefined;
    }
    const known = this.map().get(key);
    if (known === undefined) this.map().set(key, version);
    return known;
  }

  delete(key: string): void {
    if (this.has(key)) this.map().delete(key);
  }

  private isBeyond(key: string): boolean {
    return this.table === null && key > this.last;
  }

  private map(): Map<string, string> {
    this.table ??= new Map(this.keys.map((key, index) => [key, this.versions[index]!]));
    return this.table;
  }
}
