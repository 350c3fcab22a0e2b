import { join } from 'node:path';
import type * as address from 'node-opcua-address-space' with { 'resolution-mode': 'import' };
import type * as server from 'node-opcua-server' with { 'resolution-mode': 'import' };
import { opcUaLibrary } from '../../../lib/protocols/opcua/library';
import { inProject } from '../../package/project';
import { addCompanions } from './companions';
import { addLine, type Line } from './line';
import { type Misbehaviour, misbehave } from './misbehaviour';

/** A plant's OPC UA server in a process of its own, told by its parent what to do. */

export interface ServerOptions {
  port: number;
  /** Where its keys and certificate are. */
  directory: string;
  limits?: Record<string, number>;
  maximumSessions?: number;
  /** Registered before the plant's own, which moves its index. */
  otherNamespaces?: string[];
  /** Certificate of another application than the one it claims to be, expired, and so on. */
  certificateFile?: string;
  many?: number;
  /** Machines of companion specifications: PackML, OPC UA for Machinery, ISA-95 Job Control. */
  hasCompanions?: boolean;
  /** The temperature changes ten times a second, and an event tells of it once a second. */
  moves?: boolean;
  /** Says by an empty message that there is nothing to be told again. */
  republishesNothing?: boolean;
  /** Of the user pcp. */
  password?: string;
  /** Security policies that it offers; absent = all. */
  policies?: string[];
  /** Dials this client, instead of waiting for it. */
  reverse?: string;
}

export type Command =
  | { do: 'counts' }
  | { do: 'set'; name: string; value: unknown; at?: string }
  | { do: 'status'; name: string; status: string }
  | { do: 'event'; message: string; severity: number }
  | { do: 'alarm'; value: number }
  /** How long the last write or call was said to be valid, in milliseconds. */
  | { do: 'validity' }
  /** Answers once it was asked for so many more signs of life. */
  | { do: 'await reads'; count: number }
  /** How often the method was called. */
  | { do: 'calls' }
  | { do: 'continuation points'; given: boolean }
  /** Publishes nothing any more, and answers everything else. */
  | { do: 'mute' }
  | { do: 'misbehave'; how: Misbehaviour }
  | { do: 'drop' };

const { ua, CertificateManager } = opcUaLibrary();
let validity: number | undefined;

async function start(options: ServerOptions): Promise<{ server: server.OPCUAServer; line: Line }> {
  const { OPCUAServer } = require('node-opcua-server') as typeof server;
  const { nodesets } = require('node-opcua-nodesets') as { nodesets: Record<string, string> };
  const companions = options.hasCompanions ? ['di', 'ia', 'machinery', 'packML', 'isa95JobControl'] : [];
  const manager = new CertificateManager({
    rootFolder: join(options.directory, 'pki'),
    automaticallyAcceptUnknownCertificate: true,
    disableFileWatchers: true,
  });
  const users = new CertificateManager({
    rootFolder: join(options.directory, 'user-pki'),
    automaticallyAcceptUnknownCertificate: true,
    disableFileWatchers: true,
  });
  const opcua = new OPCUAServer({
    port: options.port,
    hostname: '127.0.0.1',
    allowAnonymous: true,
    nodeset_filename: [
      ...['standard', ...companions].map((name) => nodesets[name] ?? ''),
      inProject('test/support/opcua/plant.nodeset2.xml'),
    ],
    serverInfo: { applicationUri: 'urn:plant.example:server', productUri: 'urn:plant.example' },
    serverCertificateManager: manager,
    userCertificateManager: users,
    ...(options.certificateFile && { certificateFile: options.certificateFile }),
    ...(options.policies && {
      securityPolicies: options.policies.map((name) => ua.SecurityPolicy[name as keyof typeof ua.SecurityPolicy]),
      securityModes: options.policies.includes('None')
        ? [ua.MessageSecurityMode.None]
        : [ua.MessageSecurityMode.SignAndEncrypt],
    }),
    maxAllowedSessionNumber: options.maximumSessions ?? 20,
    userManager: {
      isValidUser: (name: string, password: string) =>
        name === 'pcp' && password === (options.password ?? 'right-4711'),
    },
    serverCapabilities: { operationLimits: options.limits ?? {} },
    ...(options.reverse && {
      reverseConnect: { connections: [{ endpointUrl: options.reverse }], reconnectDelay: 200 },
    }),
  } as server.OPCUAServerOptions);
  if (options.republishesNothing) republishNothing(opcua);
  await opcua.initialize();
  const space = opcua.engine.addressSpace as unknown as address.AddressSpace;
  for (const uri of options.otherNamespaces ?? []) space.registerNamespace(uri);
  const line = addLine(space, options.many ?? 0);
  noteValidity(opcua);
  if (options.moves) move(line);
  if (options.hasCompanions) addCompanions(space);
  await opcua.start();
  return { server: opcua, line };
}

function republishNothing(opcua: server.OPCUAServer): void {
  type Message = { request: { requestHeader: { requestHandle: number } } };
  const handling = opcua as unknown as {
    _on_RepublishRequest(message: Message, channel: { send_response(...args: unknown[]): void }): void;
  };
  handling._on_RepublishRequest = (message, channel) => {
    channel.send_response('MSG', new ua.RepublishResponse({}), message);
  };
}

function noteValidity(opcua: server.OPCUAServer): void {
  opcua.on(
    'request',
    ({ schema, requestHeader }: { schema: { name: string }; requestHeader: { timeoutHint: number } }) => {
      if (schema.name === 'WriteRequest' || schema.name === 'CallRequest') validity = requestHeader.timeoutHint;
    },
  );
}

function move(line: Line): void {
  let step = 0;
  setInterval(() => {
    step++;
    line.set('Temperature', step % 200);
    if (step % 10 === 0) line.raise(`step ${step}`, 300);
  }, 100);
}

function obey({ server: opcua, line }: Awaited<ReturnType<typeof start>>, command: Command): unknown {
  switch (command.do) {
    case 'counts': {
      const subscriptions = opcua.engine.currentSubscriptionCount;
      const monitored = [...opcua.engine.getSessions()].flatMap((session) =>
        session.publishEngine.subscriptions.map(({ monitoredItemCount }) => monitoredItemCount),
      );
      return {
        sessions: opcua.currentSessionCount,
        subscriptions,
        monitoredItems: monitored.reduce((sum, count) => sum + count, 0),
      };
    }
    case 'set':
      return line.set(command.name, command.value, command.at === undefined ? undefined : new Date(command.at));
    case 'status':
      return line.setStatus(command.name, command.status);
    case 'event':
      return line.raise(command.message, command.severity);
    case 'alarm':
      return line.setTank(command.value);
    case 'await reads': {
      let left = command.count;
      return new Promise<null>((resolve) => {
        opcua.on('request', ({ schema }: { schema: { name: string } }) => {
          if (schema.name === 'ReadRequest' && --left === 0) resolve(null);
        });
      });
    }
    case 'validity':
      return validity;
    case 'calls':
      return line.calls();
    case 'continuation points':
      line.historian.givesContinuationPoints = command.given;
      return null;
    case 'mute':
      for (const { publishEngine } of opcua.engine.getSessions()) {
        for (const subscription of publishEngine.subscriptions) {
          clearInterval((subscription as unknown as { timerId: NodeJS.Timeout }).timerId);
        }
      }
      return null;
    case 'misbehave':
      misbehave(opcua, command.how);
      return null;
    case 'drop':
      for (const endpoint of opcua.endpoints) endpoint.abruptlyInterruptChannels();
      return null;
  }
}

if (process.send !== undefined) {
  const send = (message: unknown) => process.send?.(message);
  process.on('disconnect', () => process.exit());
  let running: Awaited<ReturnType<typeof start>> | undefined;
  process.on(
    'message',
    async ({ id, start: options, command }: { id: number; start?: ServerOptions; command?: Command }) => {
      try {
        if (options !== undefined) running = await start(options);
        const result = command === undefined || running === undefined ? null : await obey(running, command);
        send({ id, result: result ?? null });
      } catch (error) {
        send({ id, error: (error as Error).stack });
      }
    },
  );
}
