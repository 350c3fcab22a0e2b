import type { Socket } from 'node:net';
import { type ClientSession, type ClientSubscription, type OPCUAClient, opcUaLibrary } from './library';
import type { Message, MessageOrder } from './message-order';

/** The library dials again after this when the server turned it away. */
const REFUSED_RETRY_MS = 1000;

/**
 * The library asks for the server's certificate when it is turned away, and the process ends by a rejection that nobody handles
 * when there is none. What is to be known about certificates is found out elsewhere.
 */
export function waitInsteadOfAsking(client: OPCUAClient): void {
  const asking = client as unknown as { fetchServerCertificate(url: string, callback: (error: Error) => void): void };
  asking.fetchServerCertificate = (_url, callback) => {
    setTimeout(callback, REFUSED_RETRY_MS, new Error('turned away')).unref();
  };
}

/**
 * Each loss of a connection makes the library dial again a second later, also when it is back by then: it takes that for an error of
 * its own, and lets go of the client without closing session or socket.
 */
export function dialOnlyWhenLost(client: OPCUAClient): void {
  const dialling = client as unknown as { _secureChannel: object | null; __innerRepairConnection(): void };
  const dial = dialling.__innerRepairConnection.bind(client);
  dialling.__innerRepairConnection = () => {
    if (dialling._secureChannel === null) dial();
  };
}

interface RepublishRequest {
  subscriptionId: number;
  retransmitSequenceNumber: number;
}
type Answered = (error: Error | null, response?: { notificationMessage?: Message }) => void;
interface Asking {
  republish(request: RepublishRequest, callback: Answered): void;
  getPublishEngine(): { acknowledge_notification(subscriptionId: number, number: number): void };
}

/**
 * Back on a server, the library asks for lost messages until there is none. Some servers send an empty message instead of saying
 * so, and would be asked for ever. What is told once more it does not acknowledge, so that the server would go on keeping it.
 */
export function endRepublishing(session: ClientSession): void {
  const asking = session as unknown as Asking;
  const republish = asking.republish.bind(session);
  asking.republish = (request, callback) =>
    republish(request, (error, response) => {
      if (error !== null || response === undefined) return callback(error, response);
      if (!response.notificationMessage?.notificationData?.length) return callback(messageNotAvailable());
      asking.getPublishEngine().acknowledge_notification(request.subscriptionId, request.retransmitSequenceNumber);
      callback(null, response);
    });
}

/** As an answer of the server. */
function messageNotAvailable(): Error {
  return Object.assign(new Error('BadMessageNotAvailable'), { response: {} });
}

interface Taking {
  session: ClientSession;
  [handler: `__on_publish_response_${string}`]: (notification: object) => void;
}
type Notification = object & { schema: { name: string } };

/**
 * The library gives messages as they come, and one that has structures of a type still to be learnt after those that come
 * meanwhile. What is missing it asks for only when it comes back to a server: from the number on that came last.
 */
export function putInOrder(subscription: ClientSubscription, order: MessageOrder, onMessage: () => void): void {
  let { subscriptionId: id } = subscription;
  Object.defineProperties(subscription, {
    onNotificationMessage: {
      value: (message: Message) => {
        onMessage();
        order.arrived(message);
      },
    },
    lastSequenceNumber: { get: () => order.last },
    subscriptionId: {
      get: () => id,
      // Made anew on a server that had lost it, maybe under the same number.
      set: (next: number) => {
        id = next;
        order.restart();
      },
    },
  });
}

/** What the library does with a message, once it knows the types of all that is in it. */
export async function giveMessage(subscription: ClientSubscription, { notificationData }: Message): Promise<void> {
  const taking = subscription as unknown as Taking;
  const notifications = (notificationData ?? []).filter((each) => each !== null) as Notification[];
  const learning = opcUaLibrary().ua.promoteOpaqueStructureInNotificationData(taking.session, notifications as never);
  // What cannot be learnt is given as it is.
  await learning.catch(() => undefined);
  for (const notification of notifications) {
    taking[`__on_publish_response_${notification.schema.name}`]?.(notification);
  }
}

/** @returns undefined where the server does not have the message any more @throws when there was no answer */
export async function askForMessage(
  session: ClientSession,
  subscriptionId: number,
  retransmitSequenceNumber: number,
): Promise<Message | undefined> {
  const request = new (opcUaLibrary().ua.RepublishRequest)({ subscriptionId, retransmitSequenceNumber });
  const asking = session as unknown as Asking;
  return new Promise((resolve, reject) => {
    asking.republish(request, (error, response) => {
      const isRefused =
        response !== undefined || (error !== null && 'response' in error && error.response !== undefined);
      if (error === null) resolve(response?.notificationMessage);
      else if (isRefused) resolve(undefined);
      else reject(error);
    });
  });
}

interface Channel {
  getTransport(): { _socket: Socket | null } | undefined;
  forceConnectionBreak(): void;
}

/** The library closes its sockets in an orderly way, by which the system goes on delivering what it had taken over. */
export function resetConnection(client: OPCUAClient): void {
  const channel = (client as unknown as { _secureChannel: Channel | null })._secureChannel;
  channel?.getTransport()?._socket?.resetAndDestroy();
  channel?.forceConnectionBreak();
}
