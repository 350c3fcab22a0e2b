/** A path pattern with `*`, `?`, `**` and `{a,b}`, per path segment. Matching is case-sensitive. */
export interface PathPattern {
  /** Alternatives after expanding the braces, each a list of segments. */
  alternatives: PatternSegment[][];
  /** True when it can only match the one path it spells. */
  isLiteral: boolean;
}

export type PatternSegment =
  | { kind: 'literal'; name: string }
  | { kind: 'wildcard'; matches: RegExp }
  | { kind: 'deep' };

const MAX_ALTERNATIVES = 64;

/** @throws RangeError when the braces expand to more than 64 paths */
export function parsePattern(pattern: string): PathPattern {
  const expanded = expandBraces(pattern);
  const alternatives = expanded.map((path) => {
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    // "in/**" means the files below, at any depth.
    if (parts.at(-1) === '**') parts.push('*');
    return parts.map(segment);
  });
  const isLiteral = expanded.length === 1 && alternatives[0]!.every((part) => part.kind === 'literal');
  return { alternatives, isLiteral };
}

/** True when the path is one that the pattern stands for. */
export function matches({ alternatives }: PathPattern, path: string): boolean {
  const names = path.split('/').filter((part) => part !== '' && part !== '.');
  return alternatives.some((segments) => matchesFrom(segments, names));
}

function matchesFrom([first, ...rest]: PatternSegment[], names: string[]): boolean {
  const [name, ...below] = names;
  if (first === undefined) return name === undefined;
  if (first.kind === 'deep') {
    return matchesFrom(rest, names) || (name !== undefined && matchesFrom([first, ...rest], below));
  }
  if (name === undefined) return false;
  return (first.kind === 'literal' ? first.name === name : first.matches.test(name)) && matchesFrom(rest, below);
}

/** True when the pattern has wildcards or alternatives. */
export function hasWildcards(pattern: string): boolean {
  return /[*?]|\{[^{}]*,[^{}]*\}/.test(pattern);
}

function segment(text: string): PatternSegment {
  if (text === '**') return { kind: 'deep' };
  if (!/[*?]/.test(text)) return { kind: 'literal', name: text };
  const source = text
    .replace(/\*+/g, '*')
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return { kind: 'wildcard', matches: new RegExp(`^${source}$`, 'su') };
}

function expandBraces(pattern: string): string[] {
  const done: string[] = [];
  const open = [pattern];
  while (open.length > 0) {
    const next = open.pop()!;
    const braces = /\{([^{}]*,[^{}]*)\}/.exec(next);
    if (!braces) done.push(next);
    else for (const choice of braces[1]!.split(',')) open.push(next.replace(braces[0], () => choice));
    if (done.length + open.length > MAX_ALTERNATIVES) {
      throw new RangeError(`the braces of "${pattern}" stand for more than ${MAX_ALTERNATIVES} paths`);
    }
  }
  return done;
}
