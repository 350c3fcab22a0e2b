/** Grants requests in the order they are asked for. One that is shared by several processes may take blocks from a store. */
export interface Reservations {
  /** Counts one request; resolves with the milliseconds to wait before it is sent. */
  reserve(): number | Promise<number>;
}
