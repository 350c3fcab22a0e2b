/** What an answer says about the quota of its caller. */
export interface RateLimitStatus {
  /** Requests per window. */
  limit?: number;
  remaining?: number;
  /** When the window ends, ISO 8601 in UTC. */
  resetAt?: string;
}
