/**
 * Hashes of records by their keys. Sources that sort by key are the rule: a key beyond all others is new without a look, and a
 * table of them is made when the first one comes out of order.
 */
export class HashByKey {
  private readonly keys: string[] = [];
  private readonly hashes: string[] = [];
  private last = '';
  private table: Map<string, string> | null = null;

  get(key: string): string | undefined {
    return this.isBeyond(key) ? undefined : this.map().get(key);
  }

  has(key: string): boolean {
    return !this.isBeyond(key) && this.map().has(key);
  }

  set(key: string, hash: string): void {
    if (!this.isBeyond(key)) {
      this.map().set(key, hash);
      return;
    }
    this.keys.push(key);
    this.hashes.push(hash);
    this.last = key;
  }

  delete(key: string): void {
    if (this.has(key)) this.map().delete(key);
  }

  private isBeyond(key: string): boolean {
    return this.table === null && key > this.last;
  }

  private map(): Map<string, string> {
    this.table ??= new Map(this.keys.map((key, index) => [key, this.hashes[index]!]));
    return this.table;
  }
}
