import type { Socket } from 'node:net';
import type { ClientSession, ClientSubscription, OPCUAClient } from './library';

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

interface Republished {
  notificationMessage?: { notificationData?: unknown[] | null };
}
type Answered = (error: Error | null, response?: Republished) => void;

/**
 * Back on a server, the library asks for lost messages until there is none. Some servers send an empty message instead of saying
 * so, and would be asked for ever.
 */
export function endRepublishing(session: ClientSession): void {
  const asking = session as unknown as { republish(request: object, callback: Answered): void };
  const republish = asking.republish.bind(session);
  asking.republish = (request, callback) =>
    republish(request, (error, response) => {
      const isEmpty = response !== undefined && !response.notificationMessage?.notificationData?.length;
      if (error === null && isEmpty) callback(new Error('BadMessageNotAvailable'));
      else callback(error, response);
    });
}

interface Notification {
  sequenceNumber: number;
  publishTime: Date | null;
  notificationData?: unknown[] | null;
}

/** Messages that are remembered: the one that is asked for again is among the last. */
const REMEMBERED = 50;

/**
 * Back on a server, the library asks for a lost message while it comes by itself, and takes both. It also counts a sign of
 * life, which has the number of the message that is still to come, as that message, and would not ask for it.
 */
export function takeEachMessageOnce(subscription: ClientSubscription): void {
  const taking = subscription as unknown as {
    lastSequenceNumber: number;
    onNotificationMessage(message: Notification): void;
  };
  const take = taking.onNotificationMessage.bind(subscription);
  const taken: string[] = [];
  taking.onNotificationMessage = (message) => {
    const { lastSequenceNumber: last } = taking;
    if (!message.notificationData?.length) {
      take(message);
      taking.lastSequenceNumber = last;
      return;
    }
    // Numbers begin anew with a subscription that is made anew.
    const key = `${message.sequenceNumber} ${message.publishTime?.getTime()}`;
    if (taken.includes(key)) return;
    taken.push(key);
    if (taken.length > REMEMBERED) taken.shift();
    take(message);
  };
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
