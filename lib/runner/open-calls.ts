import { type FromRunner, packResults } from './protocol';

/** Answers by name: what they take after the signal, and what they give. */
type Signatures<Calls> = { [Name in keyof Calls]: { arguments: unknown[]; answer: unknown } };

export type Handlers<Calls extends Signatures<Calls>> = {
  [Name in keyof Calls]: (
    signal: AbortSignal,
    ...parameters: Calls[Name]['arguments']
  ) => Promise<Calls[Name]['answer']>;
};

/** Calls of the hub that this process is answering. */
export class OpenCalls<Calls extends Signatures<Calls>> {
  private readonly open = new Map<number, AbortController>();

  constructor(
    private readonly handlers: Handlers<Calls>,
    private readonly send: (message: FromRunner) => void,
  ) {}

  get size(): number {
    return this.open.size;
  }

  async answer(id: number, name: string, parameters: unknown[]): Promise<void> {
    const controller = new AbortController();
    this.open.set(id, controller);
    try {
      const handler = this.handlers[name as keyof Calls] as (
        signal: AbortSignal,
        ...rest: unknown[]
      ) => Promise<unknown>;
      const answer = await handler(controller.signal, ...parameters);
      this.send({ type: 'answer', id, value: Array.isArray(answer) ? packResults(answer) : answer });
    } finally {
      this.open.delete(id);
    }
  }

  abort(id: number): void {
    this.open.get(id)?.abort();
  }

  abortAll(): void {
    for (const controller of this.open.values()) controller.abort();
  }
}
