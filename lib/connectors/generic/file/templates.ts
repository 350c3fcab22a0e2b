/** Names of exported files: placeholders that a run fills in once and keeps when it is resumed. */
export interface TemplateValues {
  /** Start of the run. */
  started: Date;
  run: number;
  mapping: number;
  /** From 1. */
  part: number;
}

const PLACEHOLDER = /\{(date|time|run|part|mapping)\}/g;

export function hasPlaceholders(path: string): boolean {
  return path.search(PLACEHOLDER) !== -1;
}

/** The pattern that finds what a template has written: each placeholder stands for anything. */
export function templateToPattern(template: string): string {
  return template.replace(PLACEHOLDER, '*');
}

/** True when every run writes to the same names. */
export function isStableName(template: string): boolean {
  return !/\{(date|time|run)\}/.test(template);
}

/**
 * "orders-{date}-{part}.csv" to "orders-20261124-1.csv". Dates and times are UTC, "YYYYMMDD" and "HHmmss". Parts beyond
 * the first get "-2" before the extension when the template has no {part}.
 */
export function fillTemplate(template: string, values: TemplateValues): string {
  const stamp = values.started.toISOString().replace(/[-:]/g, '');
  const filled: Record<string, string> = {
    date: stamp.slice(0, 8),
    time: stamp.slice(9, 15),
    run: String(values.run),
    mapping: String(values.mapping),
    part: String(values.part),
  };
  const path = template.replace(PLACEHOLDER, (_, name: string) => filled[name]!);
  if (values.part === 1 || template.includes('{part}')) return path;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.indexOf('.', 1);
  const stem = path.length - name.length + (dot === -1 ? name.length : dot);
  return `${path.slice(0, stem)}-${values.part}${path.slice(stem)}`;
}

/** Names that a template may give, of a first and of a further part. */
export function exampleNames(template: string): string[] {
  return [1, 2].map((part) => fillTemplate(template, { started: new Date(0), run: 1, mapping: 1, part }));
}
