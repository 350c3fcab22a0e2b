import type { IdocType } from '../../../protocols/idoc/types';

/** How IDocs go to a system. */
export interface IdocSettings {
  path: string;
  /** Ports and logical systems as the partner profile of SAP names them. */
  sender_port: string;
  sender: string;
  receiver_port: string;
  receiver: string;
  /** The system's own types, beside those that are known. */
  types: readonly IdocType[];
}

export const NO_IDOC: IdocSettings = {
  ...{ path: '/sap/bc/idoc_xml', sender_port: '', sender: '', receiver_port: '', receiver: '', types: [] },
};
