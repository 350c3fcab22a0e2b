/** What happens to a fire while the mapping is still running; a stream has one run at a time. */
export type OverlapPolicy = 'skip' | 'queue_one' | 'queue_all' | 'cancel_running';

/** What happens to due times that passed while nothing was there to fire them. */
export type MisfirePolicy = 'run_once' | 'skip' | 'run_all';

export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** Hours in which nothing is started by a schedule: "22:00" to "06:00" ends on the day after. */
export interface Blackout {
  /** Days on which it begins; default: every day. */
  days?: Weekday[];
  from: string;
  /** "24:00" is the end of the day. */
  to: string;
}

export interface ScheduleOptions {
  /** IANA zone of the schedule and of its blackouts; default: the connection's, then UTC. */
  timezone?: string;
  /** Each fire is put off by 0 to so many seconds, so that not everything begins on the full hour. */
  jitter_seconds?: number;
  /** Default: `skip`. */
  overlap?: OverlapPolicy;
  /** Default: `run_once`. */
  misfire?: MisfirePolicy;
  /** Due times older than this are not caught up by `run_all`; default: a day. */
  catch_up_seconds?: number;
  /** Those of a connection hold for the schedules of its mappings as well. */
  blackouts?: Blackout[];
  /** What becomes of a fire in a blackout: one run waits for its end, or it is skipped. Default: `wait`. */
  in_blackout?: 'wait' | 'skip';
}

/** When something runs by itself. */
export interface Scheduled {
  /** Cron expression of five fields, or six with seconds first. */
  schedule: string | null;
  schedule_options: ScheduleOptions;
}

/** What started a run. */
export type RunTrigger = 'api' | 'node' | 'schedule' | 'mapping' | 'file' | 'webhook' | 'dead_letters';
