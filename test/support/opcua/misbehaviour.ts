import type * as server from 'node-opcua-server' with { 'resolution-mode': 'import' };
import { opcUaLibrary } from '../../../lib/protocols/opcua/library';

/** What servers of other makers do when a client comes back. */
export type Misbehaviour =
  /** Each message that it is asked for is there, without end. */
  'republishes without end' | 'refuses to activate and to transfer' | 'refuses to activate and to create sessions';

interface Channel {
  send_response(type: string, response: object, message: object): void;
}
type Handler = (message: { request: { retransmitSequenceNumber?: number } }, channel: Channel) => void;
type Handlers = Record<`_on_${string}`, Handler>;

/** From now on, until it is started anew. */
export function misbehave(opcua: server.OPCUAServer, how: Misbehaviour): void {
  const { ua } = opcUaLibrary();
  const handlers = opcua as unknown as Handlers;
  const refuse = (service: string): void => {
    handlers[`_on_${service}Request`] = (message, channel) => {
      const responseHeader = { serviceResult: ua.StatusCodes.BadServiceUnsupported };
      channel.send_response('MSG', new ua.ServiceFault({ responseHeader }), message);
    };
  };
  switch (how) {
    case 'republishes without end':
      handlers._on_RepublishRequest = (message, channel) => {
        const sequenceNumber = message.request.retransmitSequenceNumber ?? 0;
        const notificationData = [new ua.DataChangeNotification({ monitoredItems: [] })];
        const notificationMessage = { sequenceNumber, notificationData, publishTime: new Date() };
        channel.send_response('MSG', new ua.RepublishResponse({ notificationMessage }), message);
      };
      return;
    case 'refuses to activate and to transfer': {
      refuse('TransferSubscriptions');
      const activate = handlers._on_ActivateSessionRequest as Handler;
      refuse('ActivateSession');
      const create = handlers._on_CreateSessionRequest as Handler;
      handlers._on_CreateSessionRequest = (message, channel) => {
        handlers._on_ActivateSessionRequest = activate;
        return create.call(opcua, message, channel);
      };
      return;
    }
    case 'refuses to activate and to create sessions':
      refuse('ActivateSession');
      refuse('CreateSession');
  }
}
