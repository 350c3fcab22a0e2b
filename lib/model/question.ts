import { IntegrationError } from './errors';

/** What only asks does nothing on the other side: whatever became of it, no doubt is left about that. */
export function asked<T>(answer: Promise<T>): Promise<T> {
  return answer.catch((thrown: unknown) => {
    const error = IntegrationError.from(thrown);
    if (!error.outcomeUnknown) throw thrown;
    throw IntegrationError.fromJSON({ ...error.toJSON(), outcomeUnknown: false });
  });
}
