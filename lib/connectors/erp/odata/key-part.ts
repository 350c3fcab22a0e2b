import type { RecordShape } from './entity';

/** Records that have a part of our own key beside what the service has; it goes nowhere but into the key. */
export function shapeWithPart(shape: RecordShape, part: string | undefined): RecordShape {
  if (part === undefined) return shape;
  return {
    ...shape,
    has: (field) => field === part || shape.has(field),
    asked: (fields) => shape.asked(fields.filter((field) => field !== part)),
    schema: (own) => {
      const schema = shape.schema(own);
      return { ...schema, properties: { ...schema.properties, [part]: { type: ['string', 'null'] } } };
    },
  };
}
