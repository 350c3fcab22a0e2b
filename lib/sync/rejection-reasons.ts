import type { PreviewReason, PreviewRecord } from '../model/processes';

/** Reasons that are told apart; further ones are in the totals alone. */
const MOST_REASONS = 50;
const RECORDS_SHOWN = 3;

/** Why how many records of a source would be rejected, with the first ones of each reason. */
export class RejectionReasons {
  private readonly found = new Map<string, PreviewReason>();

  add(records: readonly PreviewRecord[]): void {
    for (const { position, before, errors } of records) {
      for (const error of errors) {
        const kind = JSON.stringify([error.code, error.field, error.rule]);
        const known = this.found.get(kind);
        if (known === undefined) {
          if (this.found.size < MOST_REASONS)
            this.found.set(kind, { ...error, count: 1, first: [{ position, before }] });
          continue;
        }
        known.count++;
        if (known.first.length < RECORDS_SHOWN) known.first.push({ position, before });
      }
    }
  }

  /** The most frequent one first. */
  list(): PreviewReason[] {
    return [...this.found.values()].sort((a, b) => b.count - a.count);
  }
}
