import { provideHub } from '../../nodes/hub-access';
import type { StandInHub } from './stand-in-hub';

export type Message = Record<string, unknown> & { _msgid?: string; payload?: unknown };

/** A node under test: an event emitter whose status, log and send calls are recorded. */
export interface TestNode {
  id: string;
  receive(msg: Record<string, unknown>): void;
  on(event: string, listener: (...values: never[]) => void): void;
  once(event: string, listener: (msg: Message) => void): void;
  status: { args: [{ text?: string; fill?: string }][]; lastCall?: { args: [{ text?: string; fill?: string }] } };
  error: { args: [unknown, unknown][] };
  warn: { args: [string][] };
  log: { args: [string][] };
}

interface TestHelper {
  init(path: string, settings: { nodeCloseTimeout: number }): void;
  startServer(done: () => void): void;
  stopServer(done: () => void): void;
  load(nodes: unknown[], flow: unknown[], credentials?: Record<string, Record<string, string>>): Promise<void>;
  unload(): Promise<void>;
  getNode(id: string): TestNode;
  setFlows(flow: unknown[]): Promise<void>;
}

export const helper = require('node-red-node-test-helper') as TestHelper;
// Node-RED leaves behind what does not close: later than the time limit of a test, so that such a node fails its test.
helper.init(require.resolve('node-red'), { nodeCloseTimeout: 600_000 });

/** Mocha hooks around a suite of node tests, with a fresh stand-in hub for each of them. */
export function withNodeRed(create: () => StandInHub): { hub: StandInHub } {
  const context = {} as { hub: StandInHub };
  before((done) => void helper.startServer(done));
  after((done) => void helper.stopServer(done));
  beforeEach(() => {
    context.hub = create();
    provideHub(() => Promise.resolve(context.hub));
  });
  afterEach(async () => {
    await helper.unload();
    provideHub(null);
  });
  return context;
}

/** The next message that reaches a helper node. */
export function received(node: TestNode): Promise<Message> {
  return new Promise((resolve) => node.once('input', resolve));
}

/** Sends a message and waits for what a Catch node would see of it. */
export function failureOf(
  catcher: TestNode,
  send: () => void,
): Promise<Message & { error: { message: string; code: string } }> {
  const caught = received(catcher) as Promise<Message & { error: { message: string; code: string } }>;
  send();
  return caught;
}
