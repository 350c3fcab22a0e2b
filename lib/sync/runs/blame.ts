const connections = new WeakMap<object, number>();

/** The connection whose connector threw an error; undefined = the store, the mapping or the engine itself did. */
export function connectionOf(error: object): number | undefined {
  return connections.get(error);
}

/** A connector, or what it opens, whose errors can be told from those of the other end. */
export function blaming<T extends object>(part: T, connectionId: number): T {
  const note = (error: unknown): never => {
    if (typeof error === 'object' && error !== null && !connections.has(error)) connections.set(error, connectionId);
    throw error;
  };
  const given = (value: unknown): unknown => {
    if (value instanceof Promise) return value.then(given, note);
    const opened = typeof value === 'object' && value !== null && ('write' in value || Symbol.asyncIterator in value);
    return opened ? blaming(value, connectionId) : value;
  };
  return new Proxy(part, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...parameters: unknown[]) => {
        try {
          return given(Reflect.apply(member, target, parameters));
        } catch (error) {
          return note(error);
        }
      };
    },
  });
}
