import type { IntegrationError } from '../../../model/errors';
import type { Message } from '../message';
import type { MetricValue } from './metric-values';

/** What comes of a message or of the passing of time. */
export class Effects {
  readonly values: MetricValue[] = [];
  readonly publish: Message[] = [];
  readonly problems: IntegrationError[] = [];

  /** One by one: a payload may have more values than a call may have arguments. */
  addValues(values: Iterable<MetricValue>): void {
    for (const value of values) this.values.push(value);
  }
}
