/** Names a message between its sender and us, until the sender knows that it arrived. */
export interface Delivery {
  /** Outlives connections. */
  session: string;
  id: number;
  /** It was sent before: what of it is durable already is not taken again. */
  isRepeated: boolean;
}

/** What is known of deliveries; kept together with their records, where those are durable. */
export interface Deliveries {
  /** The sender knows that it arrived, and may use its id anew as soon as this has resolved. */
  release(session: string, id: number): Promise<void>;
  /** The sender knows nothing of the session any more. */
  forget(session: string): Promise<void>;
}
