/** Names of the context itself, of what is around it, and of all that is in it: whoever reads that may read any field. */
const WHOLE: readonly string[] = ['wildcard', 'descendant', 'parent'];

/** The names that an expression reads, among them those of its record's fields; null where it may read any. */
export function namesIn(expression: string): Set<string> | null {
  // Loaded here so that mappings without expressions do not pay for it.
  const jsonata = require('jsonata') as typeof import('jsonata');
  const names = new Set<string>();
  return collect(jsonata(expression).ast(), names) ? names : null;
}

/** @returns false where the names do not tell what is read */
function collect(node: unknown, names: Set<string>): boolean {
  if (node === null || typeof node !== 'object' || node instanceof RegExp) return true;
  const { type, value } = node as { type?: string; value?: unknown };
  if (WHOLE.includes(type ?? '') || (type === 'variable' && (value === '' || value === '$'))) return false;
  // "$lookup($record, 'name')" reads what a text names.
  if (type === 'name' || type === 'string') names.add(String(value));
  return Object.values(node).every((part) => collect(part, names));
}
