import type { SideSummary } from '../../model/reconciliation';

const BUCKETS = 2 ** 16;
const MASK = 0xffff_ffff_ffff_ffffn;

/**
 * Sums of one side's records by buckets of their keys (SEMANTICS 2.15). XOR alone would not see two records that are the same, so
 * there are a count and a sum as well.
 */
export class Checksums {
  private readonly counts = new Uint32Array(BUCKETS);
  private readonly xors = new BigUint64Array(BUCKETS);
  private readonly sums = new BigUint64Array(BUCKETS);
  private readonly keyXors = new Uint32Array(BUCKETS);
  total = 0;

  /** @returns the bucket of the key */
  add(key: string, hash: string): number {
    const keyNumber = numberOf(key);
    const bucket = keyNumber & (BUCKETS - 1);
    this.total++;
    this.counts[bucket]!++;
    this.keyXors[bucket]! ^= keyNumber;
    if (hash === '') return bucket;
    const number = Buffer.from(hash, 'base64url').readBigUInt64BE();
    this.xors[bucket]! ^= number;
    // What does not fit into 64 bits falls away.
    this.sums[bucket]! += number;
    return bucket;
  }

  equals(other: Checksums, bucket: number): boolean {
    return (
      this.counts[bucket] === other.counts[bucket] &&
      this.xors[bucket] === other.xors[bucket] &&
      this.sums[bucket] === other.sums[bucket]
    );
  }

  /** Whether the keys are the same, whatever their records hold. */
  hasKeysOf(other: Checksums, bucket: number): boolean {
    return this.counts[bucket] === other.counts[bucket] && this.keyXors[bucket] === other.keyXors[bucket];
  }

  summary(): SideSummary {
    const xor = this.xors.reduce((all, one) => all ^ one, 0n);
    const sum = this.sums.reduce((all, one) => (all + one) & MASK, 0n);
    return { count: this.total, checksum: `${hex(xor)}${hex(sum)}` };
  }
}

function hex(number: bigint): string {
  return number.toString(16).padStart(16, '0');
}

/** FNV-1a: spreads the keys, and need not be proof against anybody. */
function numberOf(key: string): number {
  let number = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) {
    number = Math.imul(number ^ key.charCodeAt(index), 0x01000193);
  }
  return number >>> 0;
}
