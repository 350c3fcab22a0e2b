interface DebugEvent {
  id: string;
  /** The value as the debug node shows it, decoded. */
  value: unknown;
}

/** Listens to the debug nodes of a Node-RED, as the editor's sidebar does. */
export class DebugMessages {
  private readonly events: DebugEvent[] = [];
  private readonly listeners = new Set<() => void>();

  private constructor(private readonly socket: WebSocket) {
    socket.addEventListener('message', (message) => this.receive(String(message.data)));
  }

  static async open(url: string): Promise<DebugMessages> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/comms`);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve(), { once: true });
      socket.addEventListener('error', () => reject(new Error('The editor socket was refused.')), { once: true });
    });
    socket.send(JSON.stringify({ subscribe: 'debug' }));
    return new DebugMessages(socket);
  }

  private receive(text: string): void {
    const parsed = JSON.parse(text) as { topic?: string; data?: { id: string; msg: unknown; format: string } }[];
    for (const { topic, data } of Array.isArray(parsed) ? parsed : [parsed]) {
      if (topic !== 'debug' || !data) continue;
      this.events.push({ id: data.id, value: decoded(data.msg, data.format) });
    }
    for (const listener of this.listeners) listener();
  }

  /** The first value of a debug node that fulfils the condition, past or to come. The test's time limit bounds the wait. */
  next<T = Record<string, unknown>>(id: string, wanted: (value: T) => boolean = () => true): Promise<T> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.events.find((event) => event.id === id && wanted(event.value as T));
        if (!found) return;
        this.listeners.delete(look);
        resolve(found.value as T);
      };
      this.listeners.add(look);
      look();
    });
  }

  all<T = Record<string, unknown>>(id: string): T[] {
    return this.events.filter((event) => event.id === id).map((event) => event.value as T);
  }

  close(): void {
    this.socket.close();
  }
}

/** Objects travel as JSON text, in which arrays are wrapped. */
function decoded(message: unknown, format: string): unknown {
  if (format === 'number') return Number(message);
  if (format === 'boolean') return message === 'true' || message === true;
  if (typeof message !== 'string' || !/Object|array|error/.test(format)) return message;
  return unwrapped(JSON.parse(message));
}

function unwrapped(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(unwrapped);
  const wrapped = value as { __enc__?: boolean; type?: string; data?: unknown };
  if (wrapped.__enc__ && wrapped.type === 'array') return (wrapped.data as unknown[]).map(unwrapped);
  if (wrapped.__enc__) return wrapped.data;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, unwrapped(item)]));
}
