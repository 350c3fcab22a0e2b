import type { OpenConnection } from '../../lib/model/connection';
import type { SignInOptions } from '../../lib/webhooks/outgoing/sign-in';

/** Of a hub without connections. */
export const noConnection = (id: number): Promise<OpenConnection> => Promise.reject(new Error(`No connection ${id}.`));

export const noSignIn: SignInOptions = {
  openConnection: noConnection,
  refused: {
    digestOf: () => '',
    check: async () => 'fine',
    note: async () => undefined,
    forget: async () => undefined,
  },
  signIns: { renewed: (_signIn, renew) => renew(undefined) },
};
