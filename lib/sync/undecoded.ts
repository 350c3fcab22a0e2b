import type { SourceRecord } from '../connectors/contract';
import type { Mapped } from '../mapping/contract';
import { IntegrationError } from '../model/errors';

/** A message whose payload could not be decoded comes as a record that says so: it was durable first, and is refused here. */
export function withUndecoded(records: readonly SourceRecord[], mapped: readonly Mapped[]): readonly Mapped[] {
  return mapped.map((item) => {
    const { code, message } = (records[item.index]?._error ?? {}) as { code?: unknown; message?: unknown };
    if (typeof code !== 'string' || typeof message !== 'string') return item;
    const error = new IntegrationError('data', code, message);
    return {
      outcome: 'failed',
      index: item.index,
      stage: 'transform',
      field: null,
      rule: 'decode',
      value: null,
      error,
    };
  });
}
