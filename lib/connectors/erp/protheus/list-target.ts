import type { ListBy } from './presets';

/** Path of the list of all records that have one value, below the base URL. @param company that of TenantId */
export function listTarget(path: string, by: ListBy, company: string, value: unknown): string {
  const query = new URLSearchParams({ [by.company]: company, [by.parameter]: String(value ?? ''), ...by.fixed });
  return `${path}?${query}`;
}
