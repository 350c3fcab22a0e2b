/** Why a delivery was not taken: what its sender is told, and no more. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(detail);
    this.name = 'Refusal';
  }
}

/** To be sent again later: senders do that by themselves. */
export function notNow(code: string, detail: string): Refusal {
  return new Refusal(503, code, detail, { 'Retry-After': '5' });
}
