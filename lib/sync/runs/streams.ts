import type { Direction, Mapping } from '../../model/mapping';

/** A mapping in one of its directions. */
export interface MappedStream {
  mapping: Mapping;
  direction: Direction;
}

/** Directions of a mapping that a request, or nobody, chooses. */
export function streamsOf(mapping: Mapping, wanted?: Direction): MappedStream[] {
  const directions: Direction[] = mapping.direction === 'bidirectional' ? ['import', 'export'] : [mapping.direction];
  return directions
    .filter((direction) => wanted === undefined || wanted === direction)
    .map((direction) => ({ mapping, direction }));
}

/** Without those that depend on others of the set: they follow in the same job. */
export function leadersOf(streams: readonly MappedStream[]): MappedStream[] {
  const ids = new Set(streams.map(({ mapping }) => mapping.id));
  return streams.filter(({ mapping }) => !mapping.depends_on.some((id) => ids.has(id)));
}
